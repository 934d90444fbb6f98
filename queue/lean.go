package queue

import (
	"regexp"
	"strings"
)

// lean leaves out of a Lua script the functions and constant tables that it defines at its top level and does not use.
// Redis sets up all of a script's functions anew at every call: for a small script that is most of what it costs (the whole
// fragment: 28 of 35 µs, Redis 7.0). What can go begins with "local function NAME" or "local NAME = {" at the start of a
// line and ends with "end" or "}" at the start of one, or on the same line; everything else stays, but for lines of comment.
func lean(source string) string {
	parts := luaParts(source)
	defined := map[string][]int{} // parts by the name that they define
	for i, p := range parts {
		if p.name != "" {
			defined[p.name] = append(defined[p.name], i)
		}
	}
	used := make([]bool, len(parts))
	var use func(i int)
	use = func(i int) {
		if used[i] {
			return
		}
		used[i] = true
		for _, name := range luaName.FindAllString(parts[i].text, -1) {
			for _, j := range defined[name] {
				use(j)
			}
		}
	}
	var out strings.Builder
	for i, p := range parts {
		if p.name == "" {
			use(i)
		}
	}
	for i, p := range parts {
		if used[i] {
			out.WriteString(p.text)
		}
	}
	return out.String()
}

// luaPart is a definition at a script's top level, or what stands between two of them.
type luaPart struct {
	name, text string // name: "" for what defines nothing that could go
	table      bool
}

var (
	luaName  = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
	luaBegin = regexp.MustCompile(`^local (?:function ([A-Za-z0-9_]+)\(|([A-Za-z0-9_]+) = \{)`)
)

// luaParts splits a script. A definition of one line ends where it begins; a longer one ends at the first line that is not
// indented, or, of a table, at the brace that closes it.
func luaParts(source string) []luaPart {
	var parts []luaPart
	open := false
	for line := range strings.Lines(source) {
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "--") {
			continue
		}
		last := len(parts) - 1
		if open {
			parts[last].text += line
			open = !closes(parts[last], line)
			continue
		}
		m := luaBegin.FindStringSubmatch(line)
		switch {
		case m != nil:
			parts = append(parts, luaPart{name: m[1] + m[2], text: line, table: m[2] != ""})
			open = !closes(parts[last+1], line)
		case last >= 0 && parts[last].name == "":
			parts[last].text += line
		default:
			parts = append(parts, luaPart{text: line})
		}
	}
	return parts
}

// closes says that a definition ends with the line.
func closes(p luaPart, line string) bool {
	if p.table {
		return strings.Count(p.text, "{") == strings.Count(p.text, "}")
	}
	line = strings.TrimRight(line, "\n")
	return line == "end" || (line+"\n" == p.text && strings.HasSuffix(line, " end"))
}
