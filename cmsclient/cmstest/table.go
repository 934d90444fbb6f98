package cmstest

import (
	"slices"
	"strconv"
)

// row is an entity with a number (its id) and a key that is unique in its table.
type row interface {
	number() int
	key() string
}

// table keeps entities in the order of their ids, found by id and by key.
type table[T row] struct {
	next  int
	rows  []T
	byID  map[int]T
	byKey map[string]T
}

func newTable[T row](first int) *table[T] {
	return &table[T]{next: first, byID: map[int]T{}, byKey: map[string]T{}}
}

// number hands out the next id; ids are never used twice.
func (t *table[T]) number() int {
	n := t.next
	t.next++
	return n
}

// add puts in an entity that got its number from the table.
func (t *table[T]) add(r T) {
	t.rows = append(t.rows, r)
	t.byID[r.number()] = r
	t.byKey[r.key()] = r
}

// remove takes an entity out.
func (t *table[T]) remove(r T) {
	if i, ok := t.index(r.number()); ok {
		t.rows = slices.Delete(t.rows, i, i+1)
	}
	delete(t.byID, r.number())
	delete(t.byKey, r.key())
}

// rekey runs change, which may alter the entity's key, and keeps the index right.
func (t *table[T]) rekey(r T, change func()) {
	delete(t.byKey, r.key())
	change()
	t.byKey[r.key()] = r
}

// find looks up an id as it stands in a path or a link: decimal digits in their shortest form.
func (t *table[T]) find(id string) (T, bool) {
	n, err := strconv.Atoi(id)
	if err != nil || strconv.Itoa(n) != id {
		var none T
		return none, false
	}
	r, ok := t.byID[n]
	return r, ok
}

func (t *table[T]) index(number int) (int, bool) {
	return slices.BinarySearchFunc(t.rows, number, func(r T, n int) int { return r.number() - n })
}
