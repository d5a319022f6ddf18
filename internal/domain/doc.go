// Package domain holds the words of the subject: coaches, competitors, solves, syncs, failures and who looks
// at them. It imports the standard library only; every other package may import it.
package domain
