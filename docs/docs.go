// Package docs holds the pages of the documentation that the portal shows.
package docs

import _ "embed" // of Admin

// Admin is the guide for admins, in Markdown.
//
//go:embed admin.md
var Admin []byte
