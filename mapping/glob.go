package mapping

// matchGlob reports whether name matches pattern: * is any text, ? one character, everything else itself; ASCII letters
// match in either case. It takes at most len(pattern) × len(name) steps.
func matchGlob(pattern, name string) bool {
	p, n := []rune(Fold(pattern)), []rune(Fold(name))
	i, j := 0, 0
	star, mark := -1, 0 // the last * and where in name it was met
	for j < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[j]):
			i++
			j++
		case star >= 0: // let the last * take one more character
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
