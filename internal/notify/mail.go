package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/wneessen/go-mail"
)

// letter is what goes out.
type letter struct {
	id            string // of the message, with its host
	to            string
	subject, text string
	at            time.Time
}

// fault is why a letter did not go, without any word of the server's, which may
// repeat the address.
type fault struct {
	class   string // for the log and the operator
	forGood bool   // this letter will never be taken
	server  bool   // the server, not this letter: others need not be tried now
}

func (f *fault) Error() string { return "notify: " + f.class }

// post sends a letter. The server gets patience for each word, and twice that
// for all of them.
func (s Settings) post(ctx context.Context, patience time.Duration, l letter) *fault {
	at, err := s.server()
	if err != nil {
		return &fault{class: "the settings are wrong", server: true}
	}
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if m.From(s.SMTPFrom) != nil {
		return &fault{class: "the settings are wrong", server: true}
	}
	if m.To(l.to) != nil {
		return &fault{class: "the address can not be used", forGood: true}
	}
	m.Subject(l.subject)
	m.SetMessageIDWithValue(l.id)
	m.SetDateWithValue(l.at)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(mail.TypeTextPlain, l.text)
	c, err := mail.NewClient(at.host, at.options(patience)...)
	if err != nil {
		return &fault{class: "the settings are wrong", server: true}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	return judge(c.DialAndSendWithContext(ctx, m))
}

func (at server) options(patience time.Duration) []mail.Option {
	options := []mail.Option{
		mail.WithPort(at.port), mail.WithTimeout(patience), mail.WithTLSPolicy(mail.TLSMandatory),
		mail.WithTLSConfig(&tls.Config{ServerName: at.host, MinVersion: tls.VersionTLS12, RootCAs: at.roots}),
	}
	if at.tls {
		options = append(options, mail.WithSSL())
	}
	if at.plain {
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if at.user != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(at.user), mail.WithPassword(at.password))
	}
	return options
}

// judge sorts what went wrong. A refusal of the receiver or of the letter, when
// it is for good, is the letter's; all else may pass.
func judge(err error) *fault {
	var refused *mail.SendError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused):
		return &fault{class: "no contact with the mail server", server: true}
	}
	switch refused.Reason {
	case mail.ErrSMTPReset: // it was taken: only what comes after went wrong
		return nil
	case mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose:
		code := refused.ErrorCode()
		return &fault{class: fmt.Sprintf("the mail server answered %d", code), forGood: code >= 500, server: code == 0}
	}
	return &fault{class: fmt.Sprintf("the mail server answered %d", refused.ErrorCode()), server: true}
}
