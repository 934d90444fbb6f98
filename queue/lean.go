package queue

import "strings"

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
		for _, name := range luaNames(parts[i].text) {
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

// luaNames are the words of a text that can be names.
func luaNames(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// defines gives the name that a line begins to define at the top level, "" when it does not.
func defines(line string) (name string, table bool) {
	rest, local := strings.CutPrefix(line, "local ")
	if !local {
		return "", false
	}
	if rest, function := strings.CutPrefix(rest, "function "); function {
		name, _, _ = strings.Cut(rest, "(")
		return name, false
	}
	if name, _, table = strings.Cut(rest, " = {"); table && !strings.Contains(name, ",") {
		return name, true
	}
	return "", false
}

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
		name, table := defines(line)
		switch {
		case name != "":
			parts = append(parts, luaPart{name: name, text: line, table: table})
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
