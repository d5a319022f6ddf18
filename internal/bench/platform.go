package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// behaviour is how the platform answers.
type behaviour struct {
	Latency time.Duration
	Solves  int // of each competitor
}

// workbench is a bench while it runs.
type workbench struct {
	out     io.Writer
	folder  string
	keep    bool // the databases of the pages stay
	files   int
	url     string // of the platform's API
	control string
	child   *exec.Cmd
}

// startPlatform starts the platform in a process of its own and waits until it says where it listens.
func (b *workbench) startPlatform(ctx context.Context) error {
	b.child = exec.CommandContext(ctx, os.Args[0], "-serve")
	b.child.Stderr = os.Stderr
	out, err := b.child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := b.child.Start(); err != nil {
		return err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the platform does not start: %w", err)
	}
	b.control = "http://" + strings.TrimSpace(address)
	b.url = b.control + "/api"
	return nil
}

func (b *workbench) stopPlatform() {
	_ = b.child.Process.Kill() // it holds nothing
	_ = b.child.Wait()
}

// platform changes how it answers, and forgets what has arrived.
func (b *workbench) platform(to behaviour) {
	body, err := json.Marshal(to)
	if err != nil {
		panic(err) // a struct of numbers
	}
	resp, err := http.Post(b.control+"/behave", "application/json", bytes.NewReader(body))
	if err != nil {
		panic(fmt.Errorf("the platform does not answer: %w", err))
	}
	_ = resp.Body.Close()
}

// arrivals are the moments at which calls arrived, in order.
func (b *workbench) arrivals(ctx context.Context) ([]time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.control+"/arrivals", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var moments []time.Time
	err = json.NewDecoder(resp.Body).Decode(&moments)
	if err == nil && len(moments) < 2 {
		err = errors.New("hardly any call arrived")
	}
	return moments, err
}

// fakePlatform answers for every user alike, from a text made once.
type fakePlatform struct {
	mu       sync.Mutex
	how      behaviour
	solves   string
	start    time.Time
	arrivals []time.Time
}

func servePlatform(ctx context.Context) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: &fakePlatform{start: time.Now()}, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	_ = server.Serve(listener) // ends with Close
}

func (p *fakePlatform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/behave":
		p.mu.Lock()
		defer p.mu.Unlock()
		p.arrivals = nil
		if err := json.NewDecoder(r.Body).Decode(&p.how); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.solves = p.list(p.how.Solves)
	case "/arrivals":
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = json.NewEncoder(w).Encode(p.arrivals)
	default:
		p.answer(w, r)
	}
}

// list is the JSON of n solves, the newest of them an hour old.
func (p *fakePlatform) list(n int) string {
	solves := make([]string, n)
	for i := range solves {
		solves[i] = fmt.Sprintf(`{"challenge_solve_id":%d,"challenge_id":%d,"challenge_title":"Challenge %d","challenge_points":100,`+
			`"challenge_category":"web","timestamp_unix":%d,"challenge_retired":false,"nist_nice_work_roles":["DD-WRL-003"]}`,
			i+1, i+1, i+1, p.start.Add(-time.Duration(n-i)*4*time.Hour).Unix())
	}
	return "[" + strings.Join(solves, ",") + "]"
}

func (p *fakePlatform) answer(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.arrivals = append(p.arrivals, time.Now())
	how, solves := p.how, p.solves
	p.mu.Unlock()
	if how.Latency > 0 {
		time.Sleep(how.Latency)
	}
	id := strconv.Quote(r.URL.Query().Get("syned_user_id"))
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/users"):
		_, _ = fmt.Fprintf(w, `{"metactf_user_id":1,"metactf_username":"u","syned_user_id":%s,"metactf_user_status":"approved","last_login_unix_timestamp":1700000000}`, id)
	case strings.HasSuffix(r.URL.Path, "/get_odl_scores"):
		if r.URL.Query().Get("after_time_unix") != "" {
			solves = p.recent(solves, r.URL.Query().Get("after_time_unix"))
		}
		_, _ = fmt.Fprintf(w, `{"syned_user_id":%s,"metactf_user_id":1,"total_challenges_solved":%d,"total_points":%d,"last_accessed_unix_timestamp":1700000000,"category_points":{},"challenge_solves":%s}`,
			id, how.Solves, 100*how.Solves, solves)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"detail":"No flash CTF progress"}`)
	}
}

// recent is the part of the solves that a cursor asks for.
func (p *fakePlatform) recent(solves, after string) string {
	since, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		return solves
	}
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(solves), &all); err != nil {
		return solves
	}
	var kept []string
	for _, raw := range all {
		var s struct {
			At int64 `json:"timestamp_unix"`
		}
		if json.Unmarshal(raw, &s) == nil && s.At >= since {
			kept = append(kept, string(raw))
		}
	}
	return "[" + strings.Join(kept, ",") + "]"
}
