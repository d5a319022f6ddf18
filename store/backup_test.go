package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flagpole/internal/domain"
	"flagpole/store"
)

// empty takes the database of a house away.
func (h *house) empty() {
	h.t.Helper()
	if err := h.s.Close(); err != nil {
		h.t.Fatal(err)
	}
	if h.kind == "postgres" {
		schema := h.lines(`SELECT current_schema()`)[0]
		h.exec(`DROP SCHEMA ` + schema + ` CASCADE`)
		return
	}
	_ = h.raw.Close()
	for _, side := range []string{"", "-wal", "-shm", ".lock"} {
		_ = os.Remove(strings.TrimPrefix(h.address, "sqlite:") + side)
	}
}

func TestABackupWhileOthersWriteIsWholeAndComesBack(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		h.storeODL("gp-a1", h.snapshot(odl(1)))
		file := filepath.Join(t.TempDir(), "backup")
		ctx, stop := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		started := make(chan struct{})
		writer.Go(func() {
			for i := int64(2); ctx.Err() == nil; i++ {
				solves := []domain.Solve{odl(1)}
				for j := int64(2); j <= min(i, 200); j++ {
					solves = append(solves, odl(j))
				}
				p := h.pull("gp-a1")
				p.ODL = h.since(solves...)
				if _, err := h.sys.StorePull(t.Context(), p); err != nil {
					t.Error(err)
					return
				}
				if i == 5 {
					close(started)
				}
			}
		})
		<-started
		wrote, err := store.WriteBackup(t.Context(), h.address, file)
		stop()
		writer.Wait()
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() != wrote.Bytes {
			t.Fatalf("%v, %v, %+v", info, err, wrote)
		}
		if wrote.Kind != h.kind || wrote.Competitors != 5 || wrote.Solves < 4 || wrote.Version < 14 {
			t.Errorf("%+v", wrote)
		}
		h.empty()
		restored, err := store.RestoreBackup(t.Context(), h.address, file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wrote, restored); diff != "" {
			t.Errorf("(-backed up +restored):\n%s", diff)
		}
		s, err := store.Open(t.Context(), h.address, h.clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		if pending, err := s.Pending(t.Context()); err != nil || pending > 0 {
			t.Errorf("%d pending, %v", pending, err)
		}
		// Totals are written with the solves: in a copy that is of one moment they agree.
		if h.kind == "sqlite" {
			if h.raw, err = sql.Open("sqlite3", "file:"+strings.TrimPrefix(h.address, "sqlite:")); err != nil {
				t.Fatal(err)
			}
		}
		solves := h.lines(`SELECT COUNT(*) FROM game_platform_challenge_solves WHERE syned_user_id = 'gp-a1'`)
		h.want("the totals", `SELECT odl_solves FROM game_platform_stats WHERE syned_user_id = 'gp-a1'`, solves...)
	})
}

func TestNothingIsOverwritten(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.people()
		folder := t.TempDir()
		file := filepath.Join(folder, "backup")
		refused := func(err error, part string) {
			t.Helper()
			if domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), part) {
				t.Errorf("%v, want %q", err, part)
			}
		}
		if _, err := store.WriteBackup(t.Context(), h.address, file); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = store.WriteBackup(t.Context(), h.address, file)
		refused(err, "exists already")
		if after, _ := os.ReadFile(file); string(after) != string(before) {
			t.Error("the file has changed")
		}
		_, err = store.WriteBackup(t.Context(), h.address, filepath.Join(folder, "no", "such"))
		refused(err, "Nothing can be written into the folder")
		rows := h.dump()
		_, err = store.RestoreBackup(t.Context(), h.address, file)
		refused(err, "Nothing is overwritten")
		if diff := cmp.Diff(rows, h.dump()); diff != "" {
			t.Errorf("a refused restore has changed something:\n%s", diff)
		}
		_, err = store.RestoreBackup(t.Context(), h.address, filepath.Join(folder, "none"))
		refused(err, "cannot be read")
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := store.WriteBackup(ended, h.address, filepath.Join(folder, "late")); err == nil {
			t.Error("written although its context has ended")
		}

		h.empty()
		for name, content := range map[string]string{"text": "no backup at all", "cut": string(before[:len(before)/3]), "nothing": ""} {
			wrong := filepath.Join(folder, name)
			if err := os.WriteFile(wrong, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := store.RestoreBackup(t.Context(), h.address, wrong); err == nil {
				t.Errorf("%s was restored", name)
			}
		}
		entries, err := os.ReadDir(folder)
		if err != nil || len(entries) != 4 {
			t.Errorf("left behind: %v, %v", entries, err)
		}
		if _, err := store.RestoreBackup(t.Context(), h.address, file); err != nil {
			t.Errorf("after refusals the good one is not taken: %v", err)
		}
	})
}
