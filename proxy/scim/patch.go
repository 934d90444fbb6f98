package scim

import "net/http"

// MaxOperations is how many operations one PATCH may have. Okta sends up to 1000 member changes in one.
const MaxOperations = 10000

const patchURN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// A PATCH is read without knowing the type of its resource, because the body does not say. ApplyUser and GroupChange give its names
// their meaning.

// Patch is the body of a PATCH request: operations that are applied in document order, all or none.
type Patch struct {
	operations []operation
	role       func(string) string
}

type operation struct {
	kind  op
	path  *path  // nil: the keys of the value are the targets
	keys  object // the value when it is an object
	value any
	given bool // a value was sent
}

// maxTerms bounds the comparisons of a PATCH that the filter parser has to order: it takes some 25 µs for each.
const maxTerms = 5000

// ParsePatch reads the body of a PATCH. Paths are checked for syntax here and for meaning when the patch is applied.
func ParsePatch(body []byte) (*Patch, error) {
	o, err := parseObject(body)
	if err != nil {
		return nil, err
	}
	v, ok := o.get("Operations")
	if !ok {
		return nil, badRequest(InvalidSyntax, "The body has no Operations; a PATCH is {\"schemas\":[%q],\"Operations\":[…]}.", patchURN)
	}
	if single, ok := v.(object); ok {
		v = []any{single}
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, badRequest(InvalidSyntax, "Operations must be a list with at least one operation.")
	}
	if len(list) > MaxOperations {
		return nil, Errorf(http.StatusRequestEntityTooLarge, TooMany,
			"The request has %d operations; send at most %d at a time.", len(list), MaxOperations)
	}
	p := &Patch{operations: make([]operation, len(list))}
	terms := 0
	for i := range list {
		if err := p.operations[i].parse(list[i]); err != nil {
			return nil, inOperation(i, err)
		}
		if terms += p.operations[i].terms(); terms > maxTerms {
			return nil, Errorf(http.StatusRequestEntityTooLarge, TooMany,
				"The filters of the paths have more than %d comparisons; send fewer operations at a time.", maxTerms)
		}
	}
	return p, nil
}

// terms counts the comparisons of the path that the filter parser has to order.
func (op *operation) terms() int {
	if op.path == nil || op.path.filter == nil || op.path.filter.plain {
		return 0
	}
	return len(op.path.filter.terms)
}

// inOperation says in the detail which operation was refused.
func inOperation(i int, err error) error {
	e := AsError(err)
	return Errorf(e.Status, e.ScimType, "Operation %d: %s", i+1, e.Detail).WithCause(e.Cause)
}

func (op *operation) parse(v any) error {
	o, ok := v.(object)
	if !ok {
		return badRequest(InvalidSyntax, "An operation must be an object with op, path and value.")
	}
	var name, pathValue any
	var hasPath bool
	for _, m := range o {
		switch lowerASCII(m.name) {
		case "op":
			name = m.value
		case "path":
			pathValue, hasPath = m.value, m.value != nil
		case "value":
			op.value, op.given = m.value, true
			op.keys, _ = m.value.(object)
		}
	}
	if err := op.setKind(name); err != nil {
		return err
	}
	if hasPath {
		if err := op.setPath(pathValue); err != nil {
			return err
		}
	}
	return op.check()
}

func (op *operation) setKind(v any) error {
	name, _ := v.(string)
	switch {
	case equalFold(name, "add"):
		op.kind = opAdd
	case equalFold(name, "replace"):
		op.kind = opReplace
	case equalFold(name, "remove"):
		op.kind = opRemove
	default:
		return badRequest(InvalidSyntax, "op must be add, replace or remove.")
	}
	return nil
}

// setPath keeps the path; "" is as good as none.
func (op *operation) setPath(v any) error {
	text, ok := v.(string)
	if !ok {
		return badRequest(InvalidPath, "path must be a string.")
	}
	if text == "" {
		return nil
	}
	var err error
	op.path, err = parsePath(text)
	return err
}

// check refuses what no resource type could make sense of.
func (op *operation) check() error {
	switch {
	case op.kind == opRemove && op.path == nil:
		return badRequest(NoTarget, "remove needs a path that names what to remove.")
	case op.kind != opRemove && !op.given:
		return badRequest(InvalidValue, "add and replace need a value.")
	case op.path == nil && op.keys == nil:
		return badRequest(InvalidValue, "Without a path the value must be an object whose keys are attributes.")
	default:
		return nil
	}
}

// ApplyUser applies the patch to a user. On an error the user is as before; changed is false when it is as before anyway.
func (p *Patch) ApplyUser(r *Resource) (changed bool, err error) {
	next := r.Clone()
	a := &applier{table: userTable, attrs: next.Attributes, role: p.role}
	for i := range p.operations {
		if err := p.operations[i].apply(a); err != nil {
			return false, inOperation(i, err)
		}
	}
	if next.Equal(r) {
		return false, nil
	}
	r.Attributes = next.Attributes
	return true, nil
}

func (op *operation) apply(a *applier) error {
	if op.path == nil {
		return a.object(op.kind, op.keys)
	}
	if equalFold(op.path.name, "schemas") {
		return nil // follows from the extensions that are there
	}
	s, err := op.path.resolve(a, op.value)
	if err != nil {
		return err
	}
	return op.applyTo(a, s)
}

func (op *operation) applyTo(a *applier, s selection) error {
	switch {
	case s.filter != nil && op.kind == opRemove:
		return a.removeSelected(s)
	case s.filter != nil:
		return a.setSelected(op.kind, s, op.value)
	case op.kind == opRemove:
		return a.remove(s.target, op.value)
	default:
		return a.set(op.kind, s.target, op.value)
	}
}
