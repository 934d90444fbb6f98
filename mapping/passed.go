package mapping

import "fmt"

// Passed tells in lines of text which rules were tried for a person before the one that decides, if any does, and did not
// match.
func (r *Rules) Passed(p Person) (lines []string) {
	for i, rule := range r.config.Rules {
		if _, ok := r.matches(i, p.Attributes, p.Groups); ok {
			return lines
		}
		if rule.When != "" {
			lines = append(lines, fmt.Sprintf("rule %d (when %s) does not match: the person's attributes are others", i+1, rule.When))
			continue
		}
		lines = append(lines, fmt.Sprintf("rule %d (group %q) does not match: the person is in no such group", i+1, rule.Group))
	}
	return lines
}
