package directory

import (
	"strconv"
	"time"
)

// Scripts answer with lists of strings and numbers; these read them without assertions that could panic.

func str(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case int64:
		return strconv.FormatInt(t, 10)
	}
	return ""
}

func num(v any) int64 {
	if n, ok := v.(int64); ok {
		return n
	}
	text := str(v)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func at(l []any, i int) any {
	if i < 0 || i >= len(l) {
		return nil
	}
	return l[i]
}

func texts(v any) []string {
	l := list(v)
	if l == nil {
		return nil
	}
	out := make([]string, len(l))
	for i := range l {
		out[i] = str(l[i])
	}
	return out
}

func moment(v any) time.Time {
	n := num(v)
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
