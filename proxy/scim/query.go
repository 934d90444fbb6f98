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
	// ByCursor tells that the client pages by cursor (RFC 9865); Cursor is the one it sent, "" for the first page.
	ByCursor bool
	Cursor   string
}

// searchURN is the schema of the body of a .search request.
const searchURN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

// listParameters are the parameters as text. They come from a URL or from the body of a .search request.
type listParameters struct {
	startIndex, count, cursor, filter, attributes, excluded, sortBy, sortOrder string
	hasFilter, hasCursor                                                       bool
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
	return p.query(typeOf(t), nil)
}

// ParseSearch reads the body of a POST to .search of one resource type.
func ParseSearch(t Type, body []byte) (ListQuery, error) {
	p, err := searchParameters(body)
	if err != nil {
		return ListQuery{}, err
	}
	return p.query(typeOf(t), nil)
}

// ParseRootSearch reads the body of a POST to the .search above all resource types: one query for each of them, the same but
// for the names in it. An attribute that only another of the types has is one without a value (RFC 7644 section 3.4.2.1).
func ParseRootSearch(types []Type, body []byte) ([]ListQuery, error) {
	p, err := searchParameters(body)
	if err != nil {
		return nil, err
	}
	tables := make([]*resourceType, len(types))
	for i, t := range types {
		tables[i] = typeOf(t)
	}
	queries := make([]ListQuery, len(types))
	for i, t := range tables {
		if queries[i], err = p.query(t, tables); err != nil {
			return nil, err
		}
	}
	return queries, nil
}

func searchParameters(body []byte) (listParameters, error) {
	o, err := parseObject(body)
	if err != nil {
		return listParameters{}, err
	}
	if err := o.checkSearchSchema(); err != nil {
		return listParameters{}, err
	}
	var p listParameters
	for _, m := range o {
		text, ok := literal(m.value)
		if list, isList := m.value.([]any); isList {
			text, ok = joined(list)
		}
		if !ok {
			if m.value != nil && p.field(m.name) != nil {
				return listParameters{}, badRequest(InvalidValue, "%s has a value of the wrong type.", quote(m.name))
			}
			continue
		}
		if err := p.set(m.name, text); err != nil {
			return listParameters{}, err
		}
	}
	return p, nil
}

// checkSearchSchema refuses a body that says it is something else. Saying nothing is forgiven.
func (o object) checkSearchSchema() error {
	v, ok := o.get("schemas")
	if !ok || v == nil {
		return nil
	}
	list, ok := v.([]any)
	for _, name := range list {
		if s, _ := name.(string); equalFold(s, searchURN) {
			return nil
		}
	}
	if ok && len(list) == 0 {
		return nil
	}
	return badRequest(InvalidSyntax, "The body of a search has the schema %s.", searchURN)
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
	case "cursor":
		return &p.cursor
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
	p.hasCursor = p.hasCursor || field == &p.cursor
	return nil
}

// query resolves the names for one resource type; also are the other types that the same query is for.
func (p *listParameters) query(t *resourceType, also []*resourceType) (q ListQuery, err error) {
	if q.StartIndex, err = integerParameter("startIndex", p.startIndex, 1, 1); err != nil {
		return ListQuery{}, err
	}
	if q.Count, err = integerParameter("count", p.count, 0, -1); err != nil {
		if p.hasCursor {
			err = badRequest(InvalidCount, "%s", AsError(err).Detail)
		}
		return ListQuery{}, err
	}
	if err := p.exclusive(); err != nil {
		return ListQuery{}, err
	}
	if p.hasFilter {
		if q.Filter, err = parseFilter(scope{table: t, also: also}, p.filter); err != nil {
			return ListQuery{}, err
		}
	}
	if q.Sort, err = parseSort(scope{table: t, also: also}, p.sortBy, p.sortOrder); err != nil {
		return ListQuery{}, err
	}
	q.ByCursor, q.Cursor = p.hasCursor, p.cursor
	q.Projection = parseProjection(t, p.attributes, p.excluded)
	return q, nil
}

// exclusive refuses parameters that contradict each other (RFC 7644 section 3.10, RFC 9865 section 2).
func (p *listParameters) exclusive() error {
	if strings.Trim(p.attributes, " ,") != "" && strings.Trim(p.excluded, " ,") != "" {
		return badRequest(InvalidValue, "attributes and excludedAttributes exclude each other: send one of them.")
	}
	if p.hasCursor && strings.TrimSpace(p.startIndex) != "" {
		return badRequest(InvalidValue, "cursor and startIndex exclude each other: send one of them.")
	}
	return nil
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
