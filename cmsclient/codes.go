package cmsclient

import (
	"slices"
	"strings"
)

// rule is one line of the table: what a code means. A code that ends in * stands for all that begin so. When narrows
// a rule to one nested code, limit or field of the details; of several that fit the first one counts.
type rule struct {
	Code  string
	When  string
	Class Class
	// Words are for the administrator; {field} is the attribute that the CMS named.
	Words string
}

// codes is the one table of the CMS's error codes. docs/cms-error-codes.md is written from it.
// A test checks it against the codes that the CMS's error pages and clients name.
var codes = []rule{
	// People, invitations and roles.
	{"ACCOUNT_ALREADY_JOINED_SITE", "", Already, "The person is a member of the project already."},
	{"CANNOT_DESTROY_CURRENT_USER", "", Reject, "The CMS token belongs to this person: they cannot be removed with it."},
	{"DELETE_RESTRICTION", "", Reject, "It is still in use and cannot be deleted."},
	{"REQUIRED_BY_ASSOCIATION", "", Reject, "Something else depends on it: it cannot be deleted."},
	{"DESTINATION_USER_REQUIRED", "", Reject, "The person owns content: name who is to take it over (content_owner)."},
	{"INVALID_DESTINATION_TYPE", "", Reject, "The taker of the person's content is of a type that the CMS does not accept (content_owner)."},
	{"INVALID_DESTINATION_USER", "", Reject, "The taker of the person's content is not accepted by the CMS (content_owner)."},
	{"CONCURRENT_ROLE_UPDATE", "", Retry, "The role was changed by somebody else at the same moment."},
	{"NON_EDITABLE_ACCESS_TOKEN", "", Reject, "Built-in tokens cannot be changed."},
	{"PLAN_UPGRADE_REQUIRED", "users", Reject, "The CMS plan has no free seat for another collaborator."},
	{"PLAN_UPGRADE_REQUIRED", "roles", Reject, "The CMS plan allows no further role."},
	{"PLAN_UPGRADE_REQUIRED", "", Reject, "The CMS plan does not include this."},
	{"NOT_ON_PER_SITE_PRICING", "", Reject, "The CMS plan does not include this."},
	{"SSO_SETTINGS_REQUIRED", "", Reject, "Single sign-on is not set up in the CMS."},
	{"INVALID_EMAIL", "", Reject, "The CMS does not accept the e-mail address."},

	// Values.
	{"INVALID_FIELD", "VALIDATION_UNIQUENESS", Already, "The CMS has this {field} already."},
	{"INVALID_FIELD", "role", Look, "The CMS does not know the role, or no longer."},
	{"INVALID_FIELD", "VALIDATION_REQUIRED", Reject, "The CMS requires a value for {field}."},
	{"INVALID_FIELD", "VALIDATION_FORMAT", Reject, "The CMS does not accept the form of {field}."},
	{"INVALID_FIELD", "VALIDATION_INCLUSION", Reject, "The CMS does not offer this value for {field}."},
	{"INVALID_FIELD", "VALIDATION_LENGTH", Reject, "The CMS does not accept the length of {field}."},
	{"INVALID_FIELD", "VALIDATION_INVALID", Reject, "The CMS does not accept {field}."},
	{"INVALID_FIELD", "", Reject, "The CMS does not accept {field}."},
	{"MISSING_FIELDS", "", Reject, "The CMS requires more values than were given."},
	{"INVALID_RELATIONSHIP", "", Look, "The CMS does not know the role, or no longer."},
	{"INVALID_ENTITY_ID", "", Reject, "The CMS does not accept the id."},
	{"INVALID_FORMAT", "", Reject, "The CMS does not accept the form of the request."},
	{"INVALID_JSON_BODY", "", Reject, "The CMS could not read the request."},
	{"INVALID_PARAMS", "", Reject, "The CMS does not accept a parameter of the request."},
	{"MISSING_QUERY_PARAMETER", "", Reject, "The CMS requires another parameter."},
	{"INVALID_REQUEST", "", Reject, "The CMS does not accept the request."},
	{"INVALID_TYPE", "", Reject, "The CMS does not accept the type of the resource."},
	{"NOT_FOUND", "", Gone, "It is not in the CMS, or no longer."},

	// Everybody's calls fail alike: nothing is wrong with the person or group at hand.
	{"INVALID_AUTHORIZATION_HEADER", "", Stop, "The CMS does not accept the token."},
	{"INVALID_CREDENTIALS", "", Stop, "The CMS does not accept the token."},
	{"INSUFFICIENT_PERMISSIONS", "", Stop, "The role of the CMS token may not do this: it needs can_manage_users, and all that it is to give to others."},
	{"INVALID_ATTRIBUTES", "", Stop, "The role of the CMS token may not set one of the attributes."},
	{"EMAIL_NOT_VERIFIED", "", Stop, "The CMS sends no invitations until the e-mail address of the inviting account is verified."},
	{"REQUIRED_2FA_SETUP", "", Stop, "The CMS demands two-factor authentication of the account behind the token."},
	{"INVALID_SITE", "", Stop, "The CMS finds no project for the token."},
	{"INVALID_ENDPOINT", "", Stop, "There is no such call at this address: check the base URL of the CMS."},
	{"INVALID_ENVIRONMENT", "", Stop, "The CMS does not know the environment."},
	{"INVALID_API_VERSION", "", Stop, "The CMS does not speak this version of its API."},
	{"INVALID_ACCEPT_HEADER", "", Stop, "The CMS does not accept the request's headers."},
	{"INVALID_CONTENT_TYPE_HEADER", "", Stop, "The CMS does not accept the request's headers."},
	{"DEACTIVATED_SITE", "", Stop, "The CMS project is deactivated."},
	{"SITE_NOT_READY", "", Stop, "The CMS project is not ready yet."},
	{"MAINTENANCE_MODE", "", Stop, "The CMS project is in maintenance mode."},
	{"PLATFORM_SCHEDULED_MAINTENANCE", "", Stop, "The CMS is under maintenance."},
	{"ENVIRONMENT_NOT_READY", "", Stop, "The CMS environment is not ready yet."},
	{"ENVIRONMENT_IN_READ_ONLY_MODE", "", Stop, "The CMS environment is in read-only mode."},

	// Passing trouble.
	{"RATE_LIMIT_EXCEEDED", "", Retry, "The CMS limits the rate of calls."},
	{"SERVICE_UNAVAILABLE", "", Retry, "The CMS is not available at the moment."},
	{"BATCH_DATA_VALIDATION_IN_PROGRESS", "", Retry, "The CMS is busy checking data."},
	{"CONCURRENT_*", "", Retry, "Something else was being changed in the CMS at the same moment."},
	{"EXCEPTION", "", Look, "The CMS failed over the request."},

	// Content only: no call of ours meets them.
	{"DUPLICATE_*", "", Reject, contentWords},
	{"INVALID_DATE*", "", Reject, contentWords},
	{"INVALID_DRAFT*", "", Reject, contentWords},
	{"INVALID_ORDERING*", "", Reject, contentWords},
	{"INVALID_PARENT*", "", Reject, contentWords},
	{"INVALID_PLUGIN_VERSION", "", Reject, contentWords},
	{"INVALID_POSITION", "", Reject, contentWords},
	{"INVALID_UPLOAD_*", "", Reject, contentWords},
	{"ITEM_*", "", Reject, contentWords},
	{"LINKED_FROM_PUBLISHED_ITEMS", "", Reject, contentWords},
	{"MISSING_LOCALES", "", Reject, contentWords},
	{"MUX_ERROR", "", Reject, contentWords},
	{"PUBLISHED_*", "", Reject, contentWords},
	{"STALE_ITEM_VERSION", "", Reject, contentWords},
	{"TOO_MANY_OPERATIONS", "", Reject, contentWords},
	{"UPLOAD_*", "", Reject, contentWords},
}

const contentWords = "The CMS refused a change of content."

// lookup finds the rule of an entry: by what its details name, then by code alone, then by the longest pattern.
func lookup(en Entry) (rule, bool) {
	if en.Code == "" {
		return rule{}, false
	}
	qualifiers := []string{en.detail("code"), en.detail("limit"), en.detail("field")}
	var exact, pattern rule
	for _, r := range codes {
		prefix, isPattern := strings.CutSuffix(r.Code, "*")
		switch {
		case isPattern:
			if strings.HasPrefix(en.Code, prefix) && len(r.Code) > len(pattern.Code) {
				pattern = r
			}
		case r.Code != en.Code:
		case r.When == "":
			exact = r
		case slices.Contains(qualifiers, r.When):
			return r, true
		}
	}
	if exact.Code != "" {
		return exact, true
	}
	return pattern, pattern.Code != ""
}
