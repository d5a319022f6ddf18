// Package roster knows the programme's roster file: how it is read, which of its lines are wrong, and what importing it
// changes in what is stored. It is pure: it opens no file and no database. It imports the standard library, domain
// and golang.org/x/text only; store, handlers and the command line may import it.
//
// Read makes Rows of a CSV file, Check finds what is wrong with them by themselves, and NewPlan what is wrong with them
// beside the stored people, and else what has to be written. Store's ImportRoster does the last two in one transaction.
package roster
