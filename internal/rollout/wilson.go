package rollout

import "math"

// z95 is the normal quantile of a one-sided bound of 95 %.
const z95 = 1.6448536269514722

// WilsonLower is the one-sided 95 % lower bound of a rate of which k in n were seen, from 0 to 1; 0 where n is 0. It is the lower
// end of the score interval: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of
// the American Statistical Association 22 (1927), 209-212.
func WilsonLower(k, n int) float64 {
	if n == 0 {
		return 0
	}
	size := float64(n)
	rate, square := float64(k)/size, z95*z95
	middle := rate + square/(2*size)
	spread := z95 * math.Sqrt(rate*(1-rate)/size+square/(4*size*size))
	return max(0, (middle-spread)/(1+square/size))
}

// wilsonUpper is the upper bound that belongs to it.
func wilsonUpper(k, n int) float64 { return 1 - WilsonLower(n-k, n) }
