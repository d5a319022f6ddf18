// Package migrations holds the schema of both databases: goose files with the same numbers in sqlite/ and
// postgres/, embedded. It imports nothing of the project.
package migrations

import "embed"

// Files holds the folders sqlite and postgres.
//
//go:embed sqlite/*.sql postgres/*.sql
var Files embed.FS
