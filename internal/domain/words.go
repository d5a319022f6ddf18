package domain

import "strconv"

// Number writes n with a comma between thousands: 1,113.
func Number[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Plural writes a count with its word: "1 solve", "1,113 solves".
func Plural[N int | int64](n N, one, many string) string { return Number(n) + " " + Noun(n, one, many) }

// Noun is the word that goes with a count.
func Noun[N int | int64](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
