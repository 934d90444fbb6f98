package mapping

import "fmt"

// GroupAction is what a sync of a group does about its role.
type GroupAction int

// Actions of a group's plan.
const (
	LeaveRole  GroupAction = iota // the group has what it is to have
	LinkRole                      // GroupPlan.Role, which is there, becomes the group's; a zero Role takes the group's away
	CreateRole                    // a role of the group's name is made after GroupPlan.Role
	RenameRole                    // the group's own role gets the group's name
	FailRole                      // the group cannot have the role that it is to have: GroupPlan.Failed
)

// GroupCase is a live group as its plan sees it.
type GroupCase struct {
	Name     string
	RoleID   string // the role that members get through it, "" when there is none
	RoleName string // that role's name when it was last applied
	Owned    bool   // the proxy made the role
	Imported bool   // the group stands for a role that was in the CMS before it
}

// GroupPlan is what is to become of a group's role.
type GroupPlan struct {
	Action GroupAction
	Role   Role
	Failed Failure
}

// PlanGroup plans the role of a live group.
func (r *Rules) PlanGroup(g GroupCase, roles RoleSet) GroupPlan {
	name, ruled := r.GroupRole(g.Name)
	switch {
	case ruled:
		return g.ruled(name, roles)
	case g.Imported:
		return GroupPlan{}
	case g.RoleID != "" && !g.Owned:
		return g.linked(Role{}) // the rule that gave it matches no more
	case !r.config.Create:
		return GroupPlan{}
	case g.RoleID == "":
		return r.owned(roles)
	case g.RoleName != g.Name:
		return GroupPlan{Action: RenameRole}
	}
	return GroupPlan{}
}

func (g GroupCase) ruled(name string, roles RoleSet) GroupPlan {
	role, found := roles.Named(name)
	if !found {
		return failedGroup("the rule for this group names role %q, which the CMS does not have", name)
	}
	return g.linked(role)
}

func (g GroupCase) linked(role Role) GroupPlan {
	if g.RoleID == role.ID && !g.Owned {
		return GroupPlan{}
	}
	return GroupPlan{Action: LinkRole, Role: role}
}

func (r *Rules) owned(roles RoleSet) GroupPlan {
	template, found := roles.Named(r.config.Template)
	if !found {
		return failedGroup("roles.template names role %q, which the CMS does not have", r.config.Template)
	}
	return GroupPlan{Action: CreateRole, Role: template}
}

func failedGroup(format, name string) GroupPlan {
	return GroupPlan{Action: FailRole, Failed: Failure{Code: CodeRoleMissing, Text: fmt.Sprintf(format, name)}}
}
