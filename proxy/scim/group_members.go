package scim

import "net/http"

// Okta sends up to a thousand changes in one PATCH to groups of ten thousand. Reading the members to apply them one by one
// would cost what the group has, and two such requests at a time would lose each other's changes. So the operations are
// folded into who is in and who is out afterwards; the directory adds and removes those, whoever else is there.

// folding collects member changes. The lists keep the order in which ids were first named; states has the last word.
type folding struct {
	replace bool
	order   []string
	states  map[string]bool // true: a member
}

func (f *folding) put(id string, member bool) {
	if f.states == nil {
		f.states = map[string]bool{}
	}
	if _, named := f.states[id]; !named {
		f.order = append(f.order, id)
	}
	f.states[id] = member
}

func (f *folding) add(id string)    { f.put(id, true) }
func (f *folding) remove(id string) { f.put(id, false) }

// all starts over: nobody is a member any more.
func (f *folding) all() {
	f.replace, f.order, f.states = true, nil, nil
}

// ids are those whose state is the one given.
func (f *folding) ids(member bool) []string {
	var ids []string
	for _, id := range f.order {
		if f.states[id] == member {
			ids = append(ids, id)
		}
	}
	return ids
}

// each calls do with the id of each member in a value: a list, one object, or a bare id.
func (f *folding) each(v any, do func(string)) error {
	if empty(v) {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range list {
		id, err := memberID(item)
		if err != nil {
			return err
		}
		do(id)
	}
	return nil
}

// set is add or replace of the whole attribute.
func (f *folding) set(kind op, v any) error {
	if kind == opReplace {
		f.all()
	}
	return f.each(v, f.add)
}

// operation folds an operation whose path is members.
func (f *folding) operation(op operation) error {
	switch {
	case op.path.filter != nil:
		return f.selected(op)
	case op.kind != opRemove:
		return f.set(op.kind, op.value)
	case op.value == nil:
		f.all()
		return nil
	default: // Entra ID lists whom to remove
		return f.each(op.value, f.remove)
	}
}

// selected folds an operation on members[value eq "…"].
func (f *folding) selected(op operation) error {
	n, err := op.path.filter.compile(scope{entry: groupMembers})
	if err != nil {
		return err
	}
	ids, ok := memberIDs(n)
	if !ok {
		return badRequest(InvalidFilter, "Members are selected by their id only: members[value eq \"id\"], several joined by or.")
	}
	if op.path.sub != "" {
		return f.subAttribute(op)
	}
	if op.kind == opRemove {
		for _, id := range ids {
			f.remove(id)
		}
		return nil
	}
	return f.substitute(op, ids)
}

// subAttribute answers operations on what a member's id decides: display and type follow from the user, value never changes.
func (f *folding) subAttribute(op operation) error {
	sub := groupMembers.member(op.path.sub)
	switch {
	case sub == nil:
		return unknownAttribute("members." + op.path.sub)
	case sub.name == "value":
		return badRequest(Mutability, "A member's value cannot change: remove the member and add the other.")
	default:
		return nil
	}
}

// substitute replaces selected members by others. What an entry says beside its value follows from the user.
func (f *folding) substitute(op operation, ids []string) error {
	if len(ids) > 1 {
		return Errorf(http.StatusBadRequest, InvalidFilter, "Replace one member at a time, or the whole list of members.")
	}
	o, ok := op.value.(object)
	if !ok {
		return badRequest(InvalidValue, "The value must be an object with the member's id as its value.")
	}
	if _, named := o.get("value"); !named {
		return nil
	}
	id, err := memberID(o)
	if err != nil {
		return err
	}
	if id != ids[0] {
		f.remove(ids[0])
	}
	if id != ids[0] || op.kind == opAdd {
		f.add(id)
	}
	return nil
}

// memberIDs reads the ids out of value eq "a" or value eq "b".
func memberIDs(n node) (ids []string, ok bool) {
	switch n := n.(type) {
	case *logical:
		left, okLeft := memberIDs(n.left)
		right, okRight := memberIDs(n.right)
		return append(left, right...), !n.and && okLeft && okRight
	case *comparison:
		if n.op == opEqual && n.attr.name == "value" && n.sub == nil && n.value.text != "" {
			return []string{n.value.text}, true
		}
	}
	return nil, false
}
