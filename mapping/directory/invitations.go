package directory

import (
	"context"
	"time"
)

// InvitationStop says why the CMS takes no invitation at all.
type InvitationStop struct{ Code, Text string }

// Admission is what may be done with an invitation.
type Admission string

// The admissions. A probe asks the CMS whether it takes invitations again: one at a time, over all replicas.
const (
	Admitted   Admission = "open"
	Probe      Admission = "probe"
	NotInvited Admission = "stopped"
)

// invitationStopFor is how long a stop is remembered without a probe.
const invitationStopFor = time.Hour

// StopInvitations notes that the CMS takes no invitations.
func (d *Directory) StopInvitations(ctx context.Context, s InvitationStop) error {
	_, err := d.run(ctx, d.scripts.stopInvitations, []string{d.keys.invitationStop()}, d.now(), s.Code, s.Text, ms(invitationStopFor))
	return err
}

// Admit asks whether an invitation may be sent now. Between two probes lies at least every.
func (d *Directory) Admit(ctx context.Context, every time.Duration) (Admission, InvitationStop, error) {
	return d.admit(ctx, every, true)
}

// ProbeInvitations asks whether it is time to look if the CMS takes invitations again. Those whom a former probe let pass do
// not matter: the process that was to replay them may have died.
func (d *Directory) ProbeInvitations(ctx context.Context, every time.Duration) (Admission, InvitationStop, error) {
	return d.admit(ctx, every, false)
}

func (d *Directory) admit(ctx context.Context, every time.Duration, invites bool) (Admission, InvitationStop, error) {
	ans, err := d.run(ctx, d.scripts.admit, []string{d.keys.invitationStop()}, d.now(), ms(every), ms(invitationStopFor), flag(invites))
	if err != nil {
		return "", InvitationStop{}, err
	}
	return Admission(str(at(ans, 0))), InvitationStop{Code: str(at(ans, 1)), Text: str(at(ans, 2))}, nil
}

// FreeInvitations lets n invitations pass a stop, if there still is one.
func (d *Directory) FreeInvitations(ctx context.Context, n int64) error {
	_, err := d.run(ctx, d.scripts.freeInvitations, []string{d.keys.invitationStop()}, n)
	return err
}

// ResumeInvitations forgets a stop.
func (d *Directory) ResumeInvitations(ctx context.Context) error {
	return unavailable(d.rdb.Del(ctx, d.keys.invitationStop()).Err())
}

// InvitationsStopped tells of a stop; the zero value is none.
func (d *Directory) InvitationsStopped(ctx context.Context) (InvitationStop, error) {
	m, err := d.rdb.HGetAll(ctx, d.keys.invitationStop()).Result()
	return InvitationStop{Code: m["code"], Text: m["text"]}, unavailable(err)
}
