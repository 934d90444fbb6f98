package scim

import (
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// ListQuery is what a listing was asked for.
type ListQuery struct {
	StartIndex int // from 1
	Count      int // how many resources at most; -1 when the client did not say
	Filter     *Filter
	Projection Projection
	Sort       *Sort
}

// listParameters are the parameters as text. They come from a URL or from the body of a .search request.
type listParameters struct {
	startIndex, count, filter, attributes, excluded, sortBy, sortOrder string
	hasFilter                                                          bool
}

// ParseListQuery reads the parameters of a GET on a listing or on one resource. Their names may be in any case; unknown ones
// are ignored.
func ParseListQuery(t Type, values url.Values) (ListQuery, error) {
	var p listParameters
	for name, list := range values {
		if len(list) > 1 && p.field(name) != nil {
			return ListQuery{}, badRequest(InvalidValue, "The parameter %s is given more than once.", quote(name))
		}
		if err := p.set(name, list[0]); err != nil {
			return ListQuery{}, err
		}
	}
	return p.query(t)
}

// ParseSearch reads the body of a POST to .search.
func ParseSearch(t Type, body []byte) (ListQuery, error) {
	o, err := parseObject(body)
	if err != nil {
		return ListQuery{}, err
	}
	var p listParameters
	for _, m := range o {
		text, ok := literal(m.value)
		if list, isList := m.value.([]any); isList {
			text, ok = joined(list)
		}
		if !ok {
			if m.value != nil && p.field(m.name) != nil {
				return ListQuery{}, badRequest(InvalidValue, "%s has a value of the wrong type.", quote(m.name))
			}
			continue
		}
		if err := p.set(m.name, text); err != nil {
			return ListQuery{}, err
		}
	}
	return p.query(t)
}

func joined(list []any) (string, bool) {
	names := make([]string, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			return "", false
		}
		names[i] = s
	}
	return strings.Join(names, ","), true
}

// field finds the place of a parameter; nil for unknown ones.
func (p *listParameters) field(name string) *string {
	switch lowerASCII(name) {
	case "startindex":
		return &p.startIndex
	case "count":
		return &p.count
	case "filter":
		return &p.filter
	case "attributes":
		return &p.attributes
	case "excludedattributes":
		return &p.excluded
	case "sortby":
		return &p.sortBy
	case "sortorder":
		return &p.sortOrder
	default:
		return nil
	}
}

func (p *listParameters) set(name, text string) error {
	field := p.field(name)
	if field == nil {
		return nil
	}
	if *field != "" {
		return badRequest(InvalidValue, "The parameter %s is given more than once.", quote(name))
	}
	*field = text
	p.hasFilter = p.hasFilter || field == &p.filter
	return nil
}

func (p *listParameters) query(t Type) (q ListQuery, err error) {
	if q.StartIndex, err = integerParameter("startIndex", p.startIndex, 1, 1); err != nil {
		return ListQuery{}, err
	}
	if q.Count, err = integerParameter("count", p.count, 0, -1); err != nil {
		return ListQuery{}, err
	}
	if p.hasFilter {
		if q.Filter, err = ParseFilter(t, p.filter); err != nil {
			return ListQuery{}, err
		}
	}
	if q.Sort, err = parseSort(t, p.sortBy, p.sortOrder); err != nil {
		return ListQuery{}, err
	}
	q.Projection = ParseProjection(t, p.attributes, p.excluded)
	return q, nil
}

// integerParameter reads a number; what is below least counts as least (RFC 7644 section 3.4.2.4), what is too large for an int
// as the largest, an empty parameter as not given.
func integerParameter(name, text string, least, absent int) (int, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if errors.Is(err, strconv.ErrRange) {
		err = nil // n is the nearest number that fits
	}
	if err != nil {
		return 0, badRequest(InvalidValue, "%s must be an integer, not %s.", name, quote(text))
	}
	return int(min(max(n, int64(least)), math.MaxInt32)), nil
}
