package handlers

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"flagpole/internal/domain"
)

// poison gives D-1 so many solves, of which one cannot be read back from the database: the one after so many good ones
// in the default order.
func (p *portal) poison(solves, good int) {
	p.t.Helper()
	p.exec(`DELETE FROM game_platform_challenge_solves WHERE syned_user_id = 'P-7'`)
	var list []domain.Solve
	for i := range solves {
		list = append(list, odl(int64(i+1), fmt.Sprintf("Task %05d with a title of some length", i), "crypto", 10, i+1))
	}
	p.pull("P-7", list)
	p.exec(fmt.Sprintf(`UPDATE game_platform_challenge_solves SET nist_nice_work_roles = 'not json' WHERE syned_user_id = 'P-7' AND challenge_solve_id = %d`, good+1))
}

// A short file would be taken for the whole one, so the connection is broken instead.
func TestExportThatFailsMidwayBreaksTheConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		b := p.as(other)
		const good = 2000
		p.poison(2500, good)
		for _, encoding := range []string{"identity", "gzip"} {
			got, err := b.try("GET", "/competitors/D-1/solves.csv", nil, "Accept-Encoding", encoding)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: error %v, want an unexpected end; status %d, %d bytes", encoding, err, got.status, len(got.body))
			}
			if got.status != 200 || len(got.body) < 4096 {
				t.Errorf("%s: status %d, %d bytes, want the file's beginning", encoding, got.status, len(got.body))
			}
			if rows := rowsBefore(got.body, encoding); rows > good+1 {
				t.Errorf("%d rows arrived, only %d could be read", rows, good)
			}
		}
		log := p.log.String()
		if !strings.Contains(log, "an export broke off") || strings.Contains(log, "dov@") || strings.Contains(log, "Lindqvist") {
			t.Errorf("log:\n%s", log)
		}
		wantEqual(t, "audited before it was sent", p.audited()[0], "solves.export D-1 csv "+other)
	})
}

// rowsBefore counts the whole lines that arrived.
func rowsBefore(body, encoding string) int {
	if encoding == "gzip" {
		unzipped, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			return 0
		}
		var text bytes.Buffer
		_, _ = io.Copy(&text, unzipped) // as much as there is
		body = text.String()
	}
	return strings.Count(body, "\r\n")
}

func TestExportThatFailsBeforeItsFirstByteIsAnErrorPage(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.poison(10, 3)
		for _, path := range []string{"/competitors/D-1/solves.csv", "/competitors.csv"} {
			if path == "/competitors.csv" {
				p.exec(`DROP TABLE game_platform_users`)
			}
			for _, encoding := range []string{"identity", "gzip"} {
				got := p.as(other).get(path, "Accept-Encoding", encoding)
				wantStatus(t, got, 500)
				wantEqual(t, path, []string{got.header.Get("Content-Type"), got.header.Get("Content-Disposition")}, []string{"text/html; charset=UTF-8", ""})
			}
		}
	})
}

func TestExportThatCannotBeAuditedIsNotMade(t *testing.T) {
	onBoth(t, func(t *testing.T, p *portal) {
		p.exec(`DROP TABLE audit_log`)
		for _, path := range []string{"/competitors.csv", "/competitors/C-1/solves.csv", "/competitors/C-1"} {
			got := p.as(owner).get(path)
			wantStatus(t, got, 500)
			if strings.Contains(got.body, "Amara") || strings.Contains(got.body, "pupil.example") {
				t.Errorf("%s shows people", path)
			}
		}
	})
}
