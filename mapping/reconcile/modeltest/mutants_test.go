package modeltest

import "strings"

// mutant is a deliberately broken variant of the engine. The zero value is none.
type mutant struct {
	name    string
	scripts []change
}

// change replaces a line of a script.
type change struct{ script, old, new string }

func (m mutant) patch(_, text string) string {
	for _, c := range m.scripts {
		text = strings.ReplaceAll(text, c.old, c.new)
	}
	return text
}
