// Package migrations holds the schema of both databases: goose files with the same numbers in sqlite/ and
// postgres/, embedded. Each direction of a file is one statement to goose, which needs long to find where statements end; the
// databases find it faster. It imports nothing of the project.
package migrations

import "embed"

// Files holds the folders sqlite and postgres.
//
//go:embed sqlite/*.sql postgres/*.sql
var Files embed.FS
