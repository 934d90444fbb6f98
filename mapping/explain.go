package mapping

import "fmt"

// Explain tells in lines of text why a person has the role they have, and what a plan will do. It names the person's
// addresses and is meant for operators, not for logs.
func Explain(c Case, p Plan, roles RoleSet) []string {
	lines := []string{
		"wished:   " + c.Wish.describe(roles),
		"agreed:   " + c.Applied.describe(roles),
		"in CMS:   " + c.Observed.describe(roles),
	}
	if c.Old.Kind != Nothing {
		lines = append(lines, "replaced: "+c.Old.describe(roles))
	}
	if c.Wish.State == Active {
		lines = append(lines, "role:     "+c.Wish.Role.Because)
	}
	for i, s := range p.Steps {
		lines = append(lines, fmt.Sprintf("step %d:   %s", i+1, s.describe(roles.quoted)))
	}
	for _, d := range p.Drift {
		lines = append(lines, "drift:    "+d.describe(roles))
	}
	if p.Failed.Code != "" {
		lines = append(lines, fmt.Sprintf("failed:   %s: %s", p.Failed.Code, p.Failed.Text))
	}
	if p.Wait {
		lines = append(lines, "waits:    invitations and role changes, until the role can be given")
	}
	if p.Agreed() {
		lines = append(lines, "nothing to do")
	}
	return lines
}

// String is the wished state in a word.
func (s WishState) String() string {
	switch s {
	case Active:
		return "active"
	case Inactive:
		return "inactive"
	case Deleted:
		return "deleted"
	}
	return "unknown"
}

// String is the kind in a word, as the sync extension of SCIM resources shows it; "" for Nothing.
func (k Kind) String() string {
	switch k {
	case Invitation:
		return "invitation"
	case Collaborator:
		return "collaborator"
	}
	return ""
}

func (w Wish) describe(roles RoleSet) string {
	text := w.State.String() + ", " + w.Address
	if w.State == Active && w.Role.RoleID != "" {
		text += ", role " + roles.quoted(w.Role.RoleID)
	}
	if w.Written {
		text += " (written since the last agreement)"
	}
	return text
}

func (a Applied) describe(roles RoleSet) string {
	if !a.Known {
		return "nothing yet"
	}
	o := Observed{Kind: a.Kind, Address: a.Address, RoleID: a.RoleID, Active: a.Active}
	if a.Kind == Invitation && !a.Active {
		o.Kind = Nothing
	}
	return o.describe(roles)
}

func (o Observed) describe(roles RoleSet) string {
	if o.Kind == Nothing {
		return o.state()
	}
	text := o.state() + " "
	if o.ID != "" {
		text += o.ID + ", "
	}
	return text + o.Address + ", role " + roles.quoted(o.RoleID)
}

func (d Drift) describe(roles RoleSet) string {
	wished, observed := d.Wished, d.Observed
	if d.Attr == AttrRole {
		wished, observed = roles.quoted(wished), roles.quoted(observed)
	}
	return fmt.Sprintf("%s: wished %s, the CMS has %s; somebody changed it there", d.Attr, wished, observed)
}
