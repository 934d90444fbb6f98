package cmsclient

import "testing"

// These six flags, and no fewer, make a role one that only a rule gives.
func TestSixFlagsMakeARolePrivileged(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{
		"can_manage_users", "can_manage_sso", "can_manage_access_tokens", "can_manage_environments",
		"can_edit_schema", "can_promote_environments",
	} {
		for name, role := range map[string]Role{
			"own":       {Permissions: Permissions{flag: raw("true")}, Final: Permissions{flag: raw("true")}},
			"inherited": {Permissions: Permissions{flag: raw("false")}, Final: Permissions{flag: raw("true")}, InheritsFrom: []string{"1"}},
		} {
			if !role.Privileged() {
				t.Errorf("%s, %s: not privileged", flag, name)
			}
		}
	}
}
