package rollout

// Reason says why a coach has the feature or not.
type Reason string

// The reasons, in the order in which they are asked.
const (
	Disabled Reason = "environment" // the integration is switched off in the environment
	Killed   Reason = "kill_switch"
	HeldBack Reason = "held_back"
	Pilot    Reason = "pilot"
	Enrolled Reason = "enrolled"
	Off      Reason = "off" // not the coach's turn yet
)

// Switches stop calls of the platform for everybody. What is stored stays visible.
type Switches struct {
	Environment bool // the integration is switched on
	Kill        bool // the kill switch is on
}

// Decision is the answer for one coach.
type Decision struct {
	MayCall bool // the platform may be called for the coach's competitors
	MaySee  bool // the coach sees them
	Reason  Reason
}

// Decide says whether the platform may be called for a coach and whether the coach sees results, and why. Pages, syncs and the
// command line all ask it.
func Decide(s Switches, c Coach) Decision {
	d := Decision{MaySee: c.Enrolled && !c.HeldBack}
	d.MayCall = d.MaySee && s.Environment && !s.Kill
	switch {
	case !s.Environment:
		d.Reason = Disabled
	case s.Kill:
		d.Reason = Killed
	case c.HeldBack:
		d.Reason = HeldBack
	case c.Enrolled && c.Pilot:
		d.Reason = Pilot
	case c.Enrolled:
		d.Reason = Enrolled
	default:
		d.Reason = Off
	}
	return d
}
