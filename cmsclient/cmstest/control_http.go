package cmstest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// control serves the control API. Its paths, all under /_emulator/:
//
//	POST   site-invitations/{id}/accept   optional {"full_name","email"} → 200 {"data": user}
//	POST   site-invitations/{id}/expire   → 200 {"data": invitation}
//	DELETE site-invitations/{id}          withdrawn by hand → 200 {}
//	POST   users                          {"email","full_name","role","is_active","owns_content","is_current"} → 201 {"data": user}
//	PATCH  users/{id}                     the same members, changed by hand → 200 {"data": user}
//	DELETE users/{id}                     deleted by hand → 200 {}
//	POST   faults                         a Fault → 201 {"faults": [all that are active]}
//	GET    faults                         → 200 {"faults": […]}
//	DELETE faults                         → 200 {"faults": []}
//	GET    calls                          → 200 Calls
//	GET    state                          → 200 State
//	POST   seats                          {"seats","roles"}, 0 meaning no limit, each optional → 200 {}
//	POST   token                          {"valid","role"}, each optional → 200 {}
//	POST   reset                          → 200 {}
//
// Wrong input gets 400, an unknown id 404, a request of a foreign web page 403, each with {"error": "…"}.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			status := http.StatusOK
			if pattern == "POST /_emulator/users" || pattern == "POST /_emulator/faults" {
				status = http.StatusCreated
			}
			out, err := h(r)
			writeControl(w, status, out, err)
		})
	}
	handle("POST /_emulator/site-invitations/{id}/accept", s.acceptRequest)
	handle("POST /_emulator/site-invitations/{id}/expire", func(r *http.Request) (any, error) {
		return dataOf(s.Expire(r.PathValue("id")))
	})
	handle("DELETE /_emulator/site-invitations/{id}", func(r *http.Request) (any, error) {
		return empty{}, s.Withdraw(r.PathValue("id"))
	})
	handle("POST /_emulator/users", s.addRequest)
	handle("PATCH /_emulator/users/{id}", s.editRequest)
	handle("DELETE /_emulator/users/{id}", func(r *http.Request) (any, error) {
		return empty{}, s.RemoveUser(r.PathValue("id"))
	})
	handle("POST /_emulator/faults", s.faultRequest)
	handle("GET /_emulator/faults", func(*http.Request) (any, error) { return s.faultList(), nil })
	handle("DELETE /_emulator/faults", func(*http.Request) (any, error) {
		s.ClearFaults()
		return s.faultList(), nil
	})
	handle("GET /_emulator/calls", func(*http.Request) (any, error) { return s.Calls(), nil })
	handle("GET /_emulator/state", func(*http.Request) (any, error) { return s.State(), nil })
	handle("POST /_emulator/seats", s.seatsRequest)
	handle("POST /_emulator/token", s.tokenRequest)
	handle("POST /_emulator/reset", func(*http.Request) (any, error) {
		s.Reset()
		return empty{}, nil
	})
	mux.HandleFunc("/_emulator/", func(w http.ResponseWriter, r *http.Request) {
		writeControl(w, 0, nil, &controlError{http.StatusNotFound, "no such control: " + r.Method + " " + r.URL.Path})
	})
	return sameOrigin(mux)
}

// sameOrigin refuses state-changing requests that a browser sends on behalf of another site's page. Requests of
// programs, which say nothing of an origin, pass.
func sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if guard.Check(r) != nil {
			writeControl(w, 0, nil, &controlError{http.StatusForbidden, "requests from other origins are refused"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// empty is the answer where there is nothing to say.
type empty struct{}

// controlError is a refusal with its status.
type controlError struct {
	status int
	text   string
}

func (e *controlError) Error() string { return e.text }

func writeControl(w http.ResponseWriter, status int, out any, err error) {
	var own *controlError
	switch {
	case err == nil:
	case errors.As(err, &own):
		status = own.status
	case errors.Is(err, ErrNoEntity):
		status = http.StatusNotFound
	default:
		status = http.StatusBadRequest
	}
	if err != nil {
		out = map[string]string{"error": err.Error()}
	}
	raw, _ := marshal(out)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
}

// decode reads a strict JSON object; an empty body leaves out as it is.
func decode(r *http.Request, out any) error {
	if r.Body == nil {
		return nil
	}
	dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil && !errors.Is(err, io.EOF) {
		return &controlError{http.StatusBadRequest, "body: " + err.Error()}
	}
	if dec.More() {
		return &controlError{http.StatusBadRequest, "body: more than one JSON value"}
	}
	return nil
}

func dataOf(r Resource, err error) (any, error) { return map[string]Resource{"data": r}, err }

func (s *Server) acceptRequest(r *http.Request) (any, error) {
	var in struct {
		FullName string `json:"full_name"`
		Email    string `json:"email"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	return dataOf(s.AcceptAs(r.PathValue("id"), in.FullName, in.Email))
}

func (s *Server) addRequest(r *http.Request) (any, error) {
	var in NewUser
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	return dataOf(s.AddUser(in))
}

func (s *Server) editRequest(r *http.Request) (any, error) {
	var in NewUser
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	return dataOf(s.EditUser(r.PathValue("id"), in))
}

func (s *Server) faultRequest(r *http.Request) (any, error) {
	var in Fault
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if err := s.Fault(in); err != nil {
		return nil, err
	}
	return s.faultList(), nil
}

func (s *Server) faultList() any { return map[string][]Fault{"faults": s.Faults()} }

func (s *Server) seatsRequest(r *http.Request) (any, error) {
	var in struct {
		Seats *int `json:"seats"`
		Roles *int `json:"roles"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	for _, n := range []*int{in.Seats, in.Roles} {
		if n != nil && *n < 0 {
			return nil, errors.New("seats and roles: must not be negative")
		}
	}
	if in.Seats != nil {
		s.SetSeats(*in.Seats)
	}
	if in.Roles != nil {
		s.SetRoleLimit(*in.Roles)
	}
	return empty{}, nil
}

func (s *Server) tokenRequest(r *http.Request) (any, error) {
	var in struct {
		Valid *bool  `json:"valid"`
		Role  string `json:"role"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.Role != "" {
		if err := s.SetTokenRole(in.Role); err != nil {
			return nil, err
		}
	}
	if in.Valid != nil {
		s.SetToken(*in.Valid)
	}
	return empty{}, nil
}
