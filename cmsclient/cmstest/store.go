package cmstest

import (
	"crypto/md5" //nolint:gosec // only to make up tokens that look like tokens; nothing is protected by it
	"encoding/hex"
	"fmt"
	"strconv"
)

// Ids of what there is one of, and the first ids of each table.
const (
	ownerID         = "7"
	tokenID         = "501"
	firstRole       = 301
	firstUser       = 1001
	firstInvitation = 22001
)

// store is the project: everything calls change. Its methods expect the caller to hold the lock of the Server.
type store struct {
	opts        Options
	users       *table[*user]
	invitations *table[*invitation]
	roles       *table[*role]
	uses        map[int]int // by role id: people and invitations that hold it
	tokenRole   int
	tokenValid  bool
	current     int // the collaborator behind the token; 0: the token is nobody's
	seats       int
	roleLimit   int
}

// newStore makes a new project with its two roles and the seeded people.
func newStore(o Options) *store {
	s := &store{
		opts: o, users: newTable[*user](firstUser), invitations: newTable[*invitation](firstInvitation),
		roles: newTable[*role](firstRole), uses: map[int]int{}, tokenValid: true, seats: o.Seats, roleLimit: o.Roles,
	}
	editor, admin := firstRoles()
	for _, r := range []*role{editor, admin} {
		r.id = s.roles.number()
		s.roles.add(r)
	}
	s.tokenRole = admin.id
	if r, found := s.roles.byKey[roleKey(o.TokenRole)]; found {
		s.tokenRole = r.id
	}
	for n := range o.SeedUsers {
		holds := editor
		if n == 0 {
			holds = admin
		}
		email, name := seedPerson(n)
		s.insertUser(&user{email: email, fullName: name, active: true}, holds)
	}
	return s
}

// insertUser puts in a collaborator as if they had joined long ago.
func (s *store) insertUser(u *user, holds *role) {
	u.id = s.users.number()
	s.moveRole(&u.role, holds.id)
	s.users.add(u)
}

// seedPerson is the n-th seeded person, from 0.
func seedPerson(n int) (email, name string) {
	people := [][2]string{
		{"ada", "Ada Lovelace"}, {"grace", "Grace Hopper"}, {"alan", "Alan Turing"}, {"katherine", "Katherine Johnson"},
		{"edsger", "Edsger Dijkstra"}, {"barbara", "Barbara Liskov"}, {"donald", "Donald Knuth"}, {"radia", "Radia Perlman"},
		{"dennis", "Dennis Ritchie"}, {"margaret", "Margaret Hamilton"}, {"tony", "Tony Hoare"}, {"frances", "Frances Allen"},
		{"john", "John McCarthy"}, {"hedy", "Hedy Lamarr"}, {"claude", "Claude Shannon"}, {"shafi", "Shafi Goldwasser"},
		{"niklaus", "Niklaus Wirth"}, {"lynn", "Lynn Conway"}, {"ken", "Ken Thompson"}, {"sophie", "Sophie Wilson"},
	}
	if n < len(people) {
		return people[n][0] + "@example.com", people[n][1]
	}
	number := strconv.Itoa(n + 1)
	return "user" + number + "@example.com", "User " + number
}

// token makes up a secret-looking word that is the same on every run.
func token(kind string, numbers ...int) string {
	sum := md5.Sum(fmt.Append(nil, kind, numbers)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}
