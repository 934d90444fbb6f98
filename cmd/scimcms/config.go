package main

import "time"

// Config is the whole configuration of a proxy, with defaults applied, secrets read and everything validated.
//
// The tags say all there is to know of a field: its key in the file, its default, whether it must be set, its bounds
// (minimum and maximum, in the field's own notation), the values it may take, and whether a running process takes it over
// (reload:"live", for a group as a whole). docs/configuration.md says what it does.
type Config struct {
	Listen   string          `yaml:"listen" default:":8080"`
	Admin    AdminConfig     `yaml:"admin"`
	Redis    RedisConfig     `yaml:"redis"`
	Sync     SyncConfig      `yaml:"sync"`
	Queue    QueueConfig     `yaml:"queue"`
	Limits   LimitsConfig    `yaml:"limits"`
	Projects []ProjectConfig `yaml:"projects" required:"true"`
}

// AdminConfig is the second listener: metrics, health, and the operator's requests.
type AdminConfig struct {
	Listen string `yaml:"listen" default:"127.0.0.1:9090"`
	// Token is asked for by every request that changes something. Unset: such requests are refused.
	Token Secret `yaml:"token"`
}

// RedisConfig says where wishes and queue are kept, and how durable "accepted" is meant to be.
type RedisConfig struct {
	// URL may be written out, or be a secret when it carries a password.
	URL Secret `yaml:"url" default:"redis://127.0.0.1:6379/0" literal:"true"`
	// Prefix is put before every key, so that installations can share one Redis.
	Prefix     string `yaml:"prefix"`
	Durability string `yaml:"durability" default:"everysec" oneof:"everysec,fsync,replica"`
}

// SyncConfig bounds the work of making the CMS agree.
type SyncConfig struct {
	// Wait is how long a request waits for its own sync before it answers "pending".
	Wait    time.Duration `yaml:"wait" default:"3s" min:"0s" max:"30s" reload:"live"`
	Workers int           `yaml:"workers" default:"8" min:"2" max:"256"`
}

// QueueConfig says how long a failing sync is tried before it is parked for the operator.
type QueueConfig struct {
	Attempts   int           `yaml:"attempts" default:"12" min:"1" max:"100"`
	Backoff    time.Duration `yaml:"backoff" default:"1s" min:"100ms" max:"1m"`
	MaxBackoff time.Duration `yaml:"max_backoff" default:"15m" min:"1s" max:"24h"`
}

// LimitsConfig bounds what a request may ask for.
type LimitsConfig struct {
	Body ByteSize `yaml:"body" default:"4MiB" min:"64KiB" max:"64MiB"`
	Page int      `yaml:"page" default:"200" min:"100" max:"1000"`
	// CursorTimeout is how long a cursor of a listing is good for, and is advertised.
	CursorTimeout time.Duration `yaml:"cursor_timeout" default:"1h" min:"1m" max:"24h"`
	// BulkOperations and BulkPayload bound one bulk request, and are advertised.
	BulkOperations int      `yaml:"bulk_operations" default:"1000" min:"1" max:"10000"`
	BulkPayload    ByteSize `yaml:"bulk_payload" default:"4MiB" min:"64KiB" max:"64MiB"`
}

// ProjectConfig is one CMS project: who may write to it, how its CMS is reached, and what its people may do there.
type ProjectConfig struct {
	// Name is part of the SCIM base URL and of every Redis key.
	Name          string             `yaml:"name" required:"true" env:"-"`
	Tokens        []TokenConfig      `yaml:"tokens" required:"true" reload:"live"`
	CMS           CMSConfig          `yaml:"cms"`
	Roles         RolesConfig        `yaml:"roles" reload:"live"`
	Users         UsersConfig        `yaml:"users"`
	Groups        GroupsConfig       `yaml:"groups"`
	OnDelete      string             `yaml:"on_delete" default:"deactivate" oneof:"deactivate,remove" reload:"live"`
	ContentOwner  ContentOwnerConfig `yaml:"content_owner" reload:"live"`
	OnEmailChange string             `yaml:"on_email_change" default:"keep" oneof:"keep,reinvite" reload:"live"`
	// Protected lists the addresses that are never written to.
	Protected   []string          `yaml:"protected" reload:"live"`
	Invitations InvitationsConfig `yaml:"invitations" reload:"live"`
	Import      ImportConfig      `yaml:"import" reload:"live"`
	Drift       string            `yaml:"drift" default:"report" oneof:"report,repair" reload:"live"`
	// DryRun accepts and plans everything, and sends nothing to the CMS.
	DryRun bool        `yaml:"dry_run" default:"false" reload:"live"`
	Brake  BrakeConfig `yaml:"brake" reload:"live"`
}

// TokenConfig is one SCIM token of a project, given as its SHA-256 or read from the environment or a file.
type TokenConfig struct {
	Name   string `yaml:"name" required:"true" env:"-"`
	SHA256 string `yaml:"sha256"`
	Env    string `yaml:"env" env:"-"`
	File   string `yaml:"file" env:"-"`

	// Digest is the token's SHA-256, whichever way it was given: all that is kept of it.
	Digest Digest `yaml:"-"`
	// length is that of a token that was read, to warn about a guessable one; 0 for one given by its SHA-256.
	length int
}

// CMSConfig says how the management API of a project is reached.
type CMSConfig struct {
	BaseURL string `yaml:"base_url" default:"https://site-api.datocms.com"`
	Token   Secret `yaml:"token" required:"true"`
	// Environment is sent as X-Environment; empty is the primary one.
	Environment string `yaml:"environment"`
	Rate        Rate   `yaml:"rate" default:"60/3s"`
	// Timeout bounds one attempt. It cannot be longer than the lease of a sync allows.
	Timeout time.Duration `yaml:"timeout" default:"8s" min:"1s" max:"8s"`
	// MonthlyQuota is how many calls the CMS's plan includes, for the alert; 0 is not known.
	MonthlyQuota int `yaml:"monthly_quota" default:"0" min:"0"`
	// ProfileAttributes maps an attribute of the CMS's users to the SCIM path that fills it, for a CMS that accepts it.
	ProfileAttributes map[string]string `yaml:"profile_attributes" reload:"live"`
}

// RolesConfig decides which CMS role a person gets.
type RolesConfig struct {
	// Default is the role of people whom no rule and no group gives one.
	Default string `yaml:"default" required:"true"`
	// Create gives every pushed group that no rule names a role of its own, made from Template.
	Create     bool   `yaml:"create" default:"false"`
	Template   string `yaml:"template"`
	Privileged string `yaml:"privileged" default:"by_rule" oneof:"by_rule,allow"`
	Adopt      string `yaml:"adopt" default:"keep" oneof:"keep,default"`
	Link       string `yaml:"link" default:"any" oneof:"any,by_rule"`
	// EntitlementsOrder ranks the roles that the identity provider assigns to one person.
	EntitlementsOrder []string     `yaml:"entitlements_order"`
	Rules             []RuleConfig `yaml:"rules"`
}

// RuleConfig gives a role to the members of the groups that Group matches, or to the people whom When matches.
type RuleConfig struct {
	Group string `yaml:"group"`
	When  string `yaml:"when"`
	Role  string `yaml:"role" required:"true"`
}

// UsersConfig says whom the proxy takes.
type UsersConfig struct {
	WithoutEmail string `yaml:"without_email" default:"refuse" oneof:"refuse,accept"`
	// Adopt lets a POST take over a person whom the CMS has already.
	Adopt bool `yaml:"adopt" default:"true" reload:"live"`
}

// GroupsConfig says what happens to members that the proxy does not know.
type GroupsConfig struct {
	UnknownMembers string `yaml:"unknown_members" default:"skip" oneof:"skip,reject"`
}

// ContentOwnerConfig names who gets the content of a person that is removed from the CMS.
type ContentOwnerConfig struct {
	Type string `yaml:"type" oneof:"account,user,access_token,sso_user"`
	ID   string `yaml:"id"`
}

// InvitationsConfig says what becomes of invitations that run out.
type InvitationsConfig struct {
	// Resend is how often one is sent again without a write of the identity provider.
	Resend int `yaml:"resend" default:"2" min:"0" max:"20"`
}

// ImportConfig says how often the CMS is read as a whole.
type ImportConfig struct {
	Interval time.Duration `yaml:"interval" default:"5m" min:"1s" max:"24h"`
	MaxAge   time.Duration `yaml:"max_age" default:"30s" min:"0s" max:"1h"`
}

// BrakeConfig bounds how many people may be deprovisioned within a window before an operator is asked.
type BrakeConfig struct {
	Percent int           `yaml:"percent" default:"20" min:"1" max:"100"`
	Min     int           `yaml:"min" default:"10" min:"1"`
	Window  time.Duration `yaml:"window" default:"1h" min:"1m" max:"168h"`
}
