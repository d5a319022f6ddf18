package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// spoil changes a reply of the platform as the fault says.
func (s *Simulator) spoil(r reply, f FaultRule, now time.Time) reply {
	switch f.Fault {
	case Reset:
		r.cut = true
	case HTMLGood:
		return webPage(http.StatusOK, "<html><body>Please sign in to the network.</body></html>\n")
	case Truncated:
		r.body = r.body[:len(r.body)/2]
	case ClockSkew:
		r.skew += f.amount()
	default:
		if change := s.change(f, now); change != nil {
			return r.edited(change)
		}
	}
	return r
}

// change is what the fault does to the object of an answer, nil for one that does nothing to it.
func (s *Simulator) change(f FaultRule, now time.Time) func(object) {
	switch f.Fault {
	case Nulls:
		return nulls
	case UnknownFields:
		return unknownFields
	case WrongTypes:
		return wrongTypes
	case CollidingIDs:
		return collidingIDs
	case OtherUser:
		return func(o object) {
			if _, ok := o["syned_user_id"]; ok {
				o["syned_user_id"] = "syn-somebody-else"
			}
		}
	case LateSolve:
		return dropNewest
	case BackDated:
		return func(o object) { moveNewest(o, -f.amount()) }
	case Renamed:
		return s.onLatestEvent(now, func(e object) bool { e["flash_ctf_name"] = e["flash_ctf_name"].(string) + " (Finals)"; return true })
	case Redated:
		return s.onLatestEvent(now, func(e object) bool { add(e, "flash_ctf_time_start_unix", seconds(f.amount())); return true })
	case Withdrawn:
		return s.onLatestEvent(now, func(object) bool { return false })
	}
	return nil
}

// object is a JSON object that is being edited.
type object = map[string]any

// edited is r with its object changed. A reply that is none, or is a refusal, stays as it is.
func (r reply) edited(change func(object)) reply {
	if r.status >= 300 {
		return r
	}
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.UseNumber()
	var o object
	if decoder.Decode(&o) != nil || o == nil {
		return r
	}
	change(o)
	changed := answerWith(r.status, o)
	r.body = changed.body
	return r
}

// objects are the members of a list.
func objects(o object, field string) []object {
	list, _ := o[field].([]any)
	members := make([]object, 0, len(list))
	for _, m := range list {
		if one, ok := m.(object); ok {
			members = append(members, one)
		}
	}
	return members
}

// scored are the objects of an answer that hold solves: the answer itself, or its events.
func scored(o object) []object {
	if _, ok := o["challenge_solves"]; ok {
		return []object{o}
	}
	return objects(o, "flash_ctfs")
}

func number(o object, field string) int64 {
	n, ok := o[field].(json.Number)
	if !ok {
		return 0
	}
	value, err := n.Int64()
	if err != nil {
		return 0
	}
	return value
}

// add adds to a number where there is one.
func add(o object, field string, n int64) {
	if _, ok := o[field].(json.Number); ok {
		o[field] = json.Number(strconv.FormatInt(number(o, field)+n, 10))
	}
}

var requiredNumbers = []string{
	"metactf_user_id", "metactf_team_id", "total_challenges_solved", "total_points", "last_accessed_unix_timestamp",
	"challenges_solved", "points_earned", "max_points_possible", "rank",
}

// setNumbers sets the required numbers of o, of its events, and the points of the first solve of each.
func setNumbers(o object, to func(old any) any) {
	for _, part := range append(objects(o, "flash_ctfs"), o) {
		for _, field := range requiredNumbers {
			if old, ok := part[field]; ok {
				part[field] = to(old)
			}
		}
		if solves := objects(part, "challenge_solves"); len(solves) > 0 {
			solves[0]["challenge_points"] = to(solves[0]["challenge_points"])
		}
	}
}

func nulls(o object) { setNumbers(o, func(any) any { return nil }) }

func wrongTypes(o object) {
	setNumbers(o, func(old any) any {
		if n, ok := old.(json.Number); ok {
			return n.String()
		}
		return old
	})
	if _, ok := o["metactf_user_status"]; ok {
		o["metactf_user_status"] = 2
	}
}

func unknownFields(o object) {
	o["x_trace"] = "7f3a"
	for _, part := range scored(o) {
		part["x_badges"] = []string{"owl"}
		for _, solve := range objects(part, "challenge_solves") {
			solve["x_difficulty"] = object{"stars": 3}
		}
	}
}

func collidingIDs(o object) {
	var id any
	for _, part := range scored(o) {
		for _, solve := range objects(part, "challenge_solves") {
			if id == nil {
				id = solve["challenge_solve_id"]
			}
			solve["challenge_solve_id"] = id
		}
	}
}

// newest is the part of the answer that holds its newest solve, and at which place; -1: there is none.
func newest(o object) (part object, place int) {
	place = -1
	var at int64
	for _, p := range scored(o) {
		for i, solve := range objects(p, "challenge_solves") {
			if t := number(solve, "timestamp_unix"); place < 0 || t >= at {
				part, place, at = p, i, t
			}
		}
	}
	return part, place
}

func dropNewest(o object) {
	part, i := newest(o)
	if i < 0 {
		return
	}
	solves := part["challenge_solves"].([]any)
	points := number(solves[i].(object), "challenge_points")
	part["challenge_solves"] = append(solves[:i:i], solves[i+1:]...)
	add(part, "total_challenges_solved", -1)
	add(part, "challenges_solved", -1)
	add(part, "total_points", -points)
	add(part, "points_earned", -points)
}

func moveNewest(o object, by time.Duration) {
	if part, i := newest(o); i >= 0 {
		add(part["challenge_solves"].([]any)[i].(object), "timestamp_unix", seconds(by))
	}
}

// onLatestEvent edits the event that began last, in whoever's answer it stands; where edit is false it is taken out.
func (s *Simulator) onLatestEvent(now time.Time, edit func(object) (keep bool)) func(object) {
	var latest *event
	for _, e := range s.events {
		if !e.start.After(now) && (latest == nil || e.start.After(latest.start)) {
			latest = e
		}
	}
	return func(o object) {
		if _, ok := o["flash_ctfs"]; !ok || latest == nil {
			return
		}
		kept := []object{}
		for _, e := range objects(o, "flash_ctfs") {
			if number(e, "flash_ctf_time_start_unix") != latest.start.Unix() || e["flash_ctf_name"] != latest.name || edit(e) {
				kept = append(kept, e)
			}
		}
		o["flash_ctfs"] = kept
	}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
