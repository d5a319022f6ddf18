// Package archtest_test holds the rule of who may import whom. It has no code of its own.
package archtest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "flagpole"

// rule is what one package may import beside the standard library.
type rule struct {
	ours   []string // packages of this project
	others []string // modules and packages of others, with what lies below them
	pure   bool     // computes only: nothing of the standard library that reaches outside
}

var (
	// anything lifts the limit on one side of a rule; the list of confined modules still holds.
	anything = []string{"*"}

	// pure packages compute from values, so that whatever shows, stores or sends may use them.
	purePackages = []string{"internal/insight", "internal/rollout", "internal/alert", "internal/report"}
)

// mayImport is the map of the house: every package, and what it may import. Tests may import more.
var mayImport = map[string]rule{
	"internal/domain": {pure: true},
	"internal/config": {others: []string{"github.com/caarlos0/env", "github.com/joho/godotenv"}},
	"internal/events": {ours: []string{"internal/domain"}},

	"internal/roster":  {ours: []string{"internal/domain"}, others: []string{"golang.org/x/text"}, pure: true},
	"internal/insight": {ours: []string{"internal/domain"}, pure: true},
	"internal/rollout": {ours: []string{"internal/domain"}, pure: true},
	"internal/alert":   {ours: []string{"internal/domain"}, pure: true},
	"internal/report":  {ours: []string{"internal/domain"}, others: []string{"github.com/xuri/excelize"}, pure: true},

	"docs":            {},
	"migrations":      {others: anything},
	"static":          {},
	"store":           {ours: with(purePackages, "internal/domain", "internal/roster", "migrations"), others: anything},
	"store/storetest": {ours: []string{"internal/domain", "migrations", "store"}, others: anything},
	"views":           {ours: []string{"internal/domain"}, others: []string{"github.com/a-h/templ"}},

	"internal/auth":              {ours: []string{"internal/domain", "store"}, others: anything},
	"internal/metactf":           {ours: []string{"internal/domain"}, others: anything},
	"internal/metactf/simulator": {ours: []string{"internal/domain", "internal/metactf"}, others: anything},
	"internal/syncer": {
		ours:   with(purePackages, "internal/domain", "internal/events", "internal/metactf", "store"),
		others: anything,
	},
	"internal/operation":         {ours: []string{"store"}},
	"internal/connection":        {ours: []string{"internal/domain", "internal/metactf", "store"}},
	"internal/metrics":           {ours: []string{"internal/alert", "internal/domain", "internal/metactf", "store"}, others: []string{"github.com/prometheus/client_golang"}},
	"internal/notify":            {ours: []string{"internal/domain"}, others: []string{"github.com/wneessen/go-mail"}},
	"internal/notify/notifytest": {ours: []string{"internal/notify"}, others: []string{"github.com/emersion"}},
	"internal/watch":             {ours: []string{"internal/alert", "internal/domain", "internal/notify", "store"}},
	"internal/onboarding":        {ours: []string{"internal/domain", "internal/metactf", "store"}},
	"internal/schedule": {
		ours:   with(purePackages, "internal/domain", "internal/events", "internal/auth", "internal/syncer", "internal/watch", "store"),
		others: anything,
	},

	"handlers": {
		ours: with(purePackages, "docs", "internal/domain", "internal/events", "internal/auth", "internal/roster",
			"static", "store", "views"),
		others: anything,
	},

	"cmd/flagpole":        {ours: anything, others: anything},
	"internal/archtest":   {},
	"internal/monitoring": {},
	"internal/bench": {
		ours: []string{"handlers", "internal/auth", "internal/config", "internal/domain", "internal/metactf", "internal/roster", "internal/syncer",
			"static", "store"},
		others: anything,
	},
}

// confined names what only some packages may import, whatever their rule says.
var confined = map[string][]string{
	"github.com/labstack":            {"handlers", "internal/bench"},
	"github.com/a-h/templ":           {"handlers", "internal/bench", "views"},
	"github.com/yuin/goldmark":       {"handlers"},
	"database/sql":                   {"internal/bench", "migrations", "store", "store/storetest"},
	"github.com/mattn/go-sqlite3":    {"internal/bench", "migrations", "store", "store/storetest"},
	"github.com/jackc/pgx":           {"internal/bench", "migrations", "store", "store/storetest"},
	"github.com/pressly/goose":       {"migrations", "store", "store/storetest"},
	"github.com/go-co-op/gocron":     {"internal/schedule"},
	"github.com/xuri/excelize":       {"internal/report"},
	"github.com/pquerna/otp":         {"internal/auth"},
	"github.com/chromedp":            {}, // tests only
	"github.com/PuerkitoBio/goquery": {}, // tests only
	"github.com/google/go-cmp":       {}, // tests only
	"github.com/getkin/kin-openapi":  {}, // tests only
	module + "/store/storetest":      {}, // tests only
}

// outside is what a pure package does without.
var outside = []string{"database", "log", "net/http", "os", "syscall"}

func with(list []string, more ...string) []string { return append(slices.Clone(list), more...) }

// goPackage is what go list tells of a package. Imports leaves out those of tests.
type goPackage struct {
	ImportPath string
	Imports    []string
}

// Go may show a stored result of this test, for it does not see what go list reads: -count=1 runs it anew.
func TestImports(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 2 {
		t.Fatalf("go list found %d packages, want the whole module", len(packages))
	}
	for _, fault := range check(packages) {
		t.Error(fault)
	}
}

// The rule must be able to fail: each of these made-up packages breaks it once.
func TestCheckRefuses(t *testing.T) {
	tests := map[string]struct {
		importPath, imported string
		want                 string // part of the one fault; empty when it is allowed
	}{
		"allowed: the store uses the domain":  {"flagpole/store", "flagpole/internal/domain", ""},
		"allowed: the store uses a driver":    {"flagpole/store", "github.com/jackc/pgx/v5/stdlib", ""},
		"allowed: handlers use echo":          {"flagpole/handlers", "github.com/labstack/echo/v4", ""},
		"allowed: the command wires handlers": {"flagpole/cmd/flagpole", "flagpole/handlers", ""},
		"allowed: the roster reads CSV":       {"flagpole/internal/roster", "encoding/csv", ""},

		"a package nobody entered":           {"flagpole/internal/helper", "fmt", "add it to mayImport"},
		"the domain imports the store":       {"flagpole/internal/domain", "flagpole/store", "internal/domain must not import flagpole/store"},
		"the domain imports a module":        {"flagpole/internal/domain", "github.com/google/uuid", "must not import github.com/google/uuid"},
		"views reach the store":              {"flagpole/views", "flagpole/store", "views must not import flagpole/store"},
		"views reach SQL":                    {"flagpole/views", "database/sql", "only internal/bench, migrations, store, store/storetest may import database/sql"},
		"handlers call the platform":         {"flagpole/handlers", "flagpole/internal/metactf", "handlers must not import flagpole/internal/metactf"},
		"handlers open a database":           {"flagpole/handlers", "github.com/mattn/go-sqlite3", "only internal/bench, migrations, store, store/storetest may import"},
		"handlers start a clock":             {"flagpole/handlers", "github.com/go-co-op/gocron/v2", "only internal/schedule may import"},
		"the command uses echo":              {"flagpole/cmd/flagpole", "github.com/labstack/echo/v4", "may import github.com/labstack"},
		"the command uses echo's middleware": {"flagpole/cmd/flagpole", "github.com/labstack/echo/v4/middleware", "may import github.com/labstack"},
		"auth renders":                       {"flagpole/internal/auth", "github.com/a-h/templ", "may import github.com/a-h/templ"},
		"the scheduler imports handlers":     {"flagpole/internal/schedule", "flagpole/handlers", "internal/schedule must not import flagpole/handlers"},
		"the syncer uses the simulator":      {"flagpole/internal/syncer", "flagpole/internal/metactf/simulator", "must not import flagpole/internal/metactf/simulator"},
		"the roster reads a file":            {"flagpole/internal/roster", "os", "internal/roster must not import os"},
		"the roster asks over the network":   {"flagpole/internal/roster", "net/http", "internal/roster must not import net/http"},
		"the command fills a test's store":   {"flagpole/cmd/flagpole", "flagpole/store/storetest", "only tests may import"},
		"a test's tool in the program":       {"flagpole/store", "github.com/google/go-cmp/cmp", "only tests may import"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			faults := check([]goPackage{{ImportPath: test.importPath, Imports: []string{test.imported}}})
			if test.want == "" {
				if len(faults) > 0 {
					t.Errorf("faults %q, want none", faults)
				}
				return
			}
			if len(faults) != 1 || !strings.Contains(faults[0], test.want) {
				t.Errorf("faults %q, want one with %q", faults, test.want)
			}
		})
	}
}

// check returns a sentence for each import that the rules refuse.
func check(packages []goPackage) []string {
	var faults []string
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		rule, known := mayImport[name]
		if !known {
			faults = append(faults, fmt.Sprintf(
				"the package %s has no rule: add it to mayImport in internal/archtest/imports_test.go with what it may import", name))
			continue
		}
		for _, imported := range p.Imports {
			if fault := refuse(name, rule, imported); fault != "" {
				faults = append(faults, fault)
			}
		}
	}
	return faults
}

// refuse says why the package must not import the other one, or nothing when it may.
func refuse(name string, rule rule, imported string) string {
	if !allows(rule, imported) {
		return fmt.Sprintf("%s must not import %s (see mayImport in internal/archtest/imports_test.go)", name, imported)
	}
	for path, allowed := range confined {
		if !within(imported, path) || slices.Contains(allowed, name) {
			continue
		}
		if len(allowed) == 0 {
			return fmt.Sprintf("%s imports %s, which only tests may import", name, imported)
		}
		return fmt.Sprintf("%s imports %s: only %s may import %s", name, imported, strings.Join(allowed, ", "), path)
	}
	return ""
}

func allows(rule rule, imported string) bool {
	switch first, _, _ := strings.Cut(imported, "/"); {
	case first == module:
		return slices.Equal(rule.ours, anything) || slices.Contains(rule.ours, strings.TrimPrefix(imported, module+"/"))
	case strings.Contains(first, "."):
		return slices.Equal(rule.others, anything) || slices.ContainsFunc(rule.others, func(path string) bool { return within(imported, path) })
	default:
		return !rule.pure || !slices.ContainsFunc(outside, func(path string) bool { return within(imported, path) })
	}
}

// within reports whether the import path is the other one or lies below it.
func within(importPath, above string) bool {
	return importPath == above || strings.HasPrefix(importPath, above+"/")
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	command := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	out, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages = append(packages, p)
	}
}
