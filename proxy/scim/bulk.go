package scim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	bulkResponseURN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
	bulkRequestURN  = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
)

// Bulk is the body of a bulk request (RFC 7644 section 3.7).
type Bulk struct {
	failOnErrors int // errors after which nothing more is done; 0: never
	operations   []bulkOperation
	defined      map[string]int // the operation that creates the resource of a bulkId
}

// bulkOperation is one operation. What is wrong with it alone is its own answer, the others are done all the same.
type bulkOperation struct {
	method, bulkID, version string
	path                    *url.URL
	segments                []string // of the path: endpoint and, but for POST, id
	data                    object
	refs                    []int // operations whose resources it names
	err                     *Error
}

// BulkCall is an operation as the single request that it stands for.
type BulkCall struct {
	Method  string
	Path    string // below the SCIM base, with a slash in front
	Query   string
	Version string // for If-Match; "" for none
	Body    []byte
}

// BulkResult is what became of it.
type BulkResult struct {
	Status   int
	ID       string // of the resource
	Location string
	Version  string
	Body     []byte // of an error
	GiveUp   bool   // nothing can be done at present; what is left gets the same answer
}

// ParseBulk reads a bulk request of at most so many operations.
func ParseBulk(body []byte, most int) (*Bulk, error) {
	o, err := parseObject(body)
	if err != nil {
		return nil, err
	}
	v, _ := o.get("Operations")
	if single, ok := v.(object); ok {
		v = []any{single}
	}
	list, ok := v.([]any)
	switch {
	case !ok || len(list) == 0:
		return nil, badRequest(InvalidSyntax, "Operations must be a list with at least one operation: {\"schemas\":[%q],\"Operations\":[…]}.", bulkRequestURN)
	case len(list) > most:
		return nil, Errorf(http.StatusRequestEntityTooLarge, "",
			"The bulk request has %d operations; maxOperations is %d: send the rest in further requests.", len(list), most)
	}
	b := &Bulk{operations: make([]bulkOperation, len(list)), defined: map[string]int{}}
	if b.failOnErrors, err = failOnErrors(o); err != nil {
		return nil, err
	}
	for i := range list {
		item, ok := list[i].(object)
		if !ok {
			return nil, badRequest(InvalidSyntax, "Operation %d is not an object with method, path and data.", i+1)
		}
		b.operations[i].parse(item)
	}
	b.connect()
	return b, nil
}

func failOnErrors(o object) (int, error) {
	v, ok := o.get("failOnErrors")
	if !ok || v == nil {
		return 0, nil
	}
	text, _ := literal(v)
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, badRequest(InvalidValue, "failOnErrors must be a number from 1.")
	}
	return n, nil
}

func (op *bulkOperation) parse(o object) {
	text := func(name string) string {
		v, _ := o.get(name)
		s, ok := literal(v)
		if !ok && v != nil {
			op.refuse(badRequest(InvalidSyntax, "%s must be a string.", name))
		}
		return s
	}
	op.method, op.bulkID, op.version = strings.ToUpper(text("method")), text("bulkId"), text("version")
	op.setPath(text("path"))
	data, _ := o.get("data")
	var ok bool
	switch op.data, ok = data.(object); {
	case op.method == http.MethodDelete:
		op.data = nil
	case !ok:
		op.refuse(badRequest(InvalidSyntax, "data must be the object that a single %s would send.", quote(op.method)))
	}
	op.check()
}

// refuse keeps the first thing that is wrong.
func (op *bulkOperation) refuse(e *Error) {
	if op.err == nil {
		op.err = e
	}
}

func (op *bulkOperation) setPath(text string) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" && !strings.HasPrefix(text, bulkRef) {
		op.refuse(badRequest(InvalidPath, "The path %s is not relative to the SCIM base: write /Users, or /Users/ID.", quote(text)))
		return
	}
	op.path, op.segments = u, strings.Split(strings.Trim(u.Path, "/"), "/")
}

// check refuses what is no operation on a resource.
func (op *bulkOperation) check() {
	want := 2
	switch op.method {
	case http.MethodPost:
		want = 1
		if op.bulkID == "" {
			op.refuse(badRequest(InvalidSyntax, "A POST needs a bulkId."))
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		op.refuse(badRequest(InvalidSyntax, "method must be POST, PUT, PATCH or DELETE."))
	}
	if op.err == nil && (len(op.segments) != want || !isEndpoint("/"+op.segments[0]) || op.segments[want-1] == "") {
		op.refuse(badRequest(InvalidPath, "%s of %s: POST goes to /Users or /Groups, the other methods to one resource, /Users/ID or /Groups/ID.",
			op.method, quote(op.path.Path)))
	}
}

func isEndpoint(path string) bool { return path == userTable.endpoint || path == groupTable.endpoint }

// connect finds which operation names the resource of which other. A bulkId that comes a second time is refused: an
// operation that was repeated by mistake is not done twice.
func (b *Bulk) connect() {
	seen := map[string]bool{}
	for i := range b.operations {
		op := &b.operations[i]
		if op.bulkID != "" && seen[op.bulkID] {
			op.err = badRequest(InvalidValue, "The bulkId %s is that of an earlier operation of this request: this one is not done.", quote(op.bulkID))
			continue
		}
		seen[op.bulkID] = true
		if op.method == http.MethodPost && op.bulkID != "" {
			b.defined[op.bulkID] = i
		}
	}
	for i := range b.operations {
		if op := &b.operations[i]; op.err == nil {
			op.connect(b.defined)
		}
	}
}

func (op *bulkOperation) connect(defined map[string]int) {
	named := map[int]bool{}
	note := func(id string, whole bool) (string, bool) {
		i, ok := defined[id]
		switch {
		case ok && !named[i]:
			named[i] = true
			op.refs = append(op.refs, i)
		case !ok && whole:
			op.refuse(badRequest(InvalidValue, "%s is named, but no POST of this request has this bulkId.", quote(bulkRef+id)))
		}
		return "", false
	}
	references{lookup: note}.path(op.segments)
	references{lookup: note}.value(op.data)
}
