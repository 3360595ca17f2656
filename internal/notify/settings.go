package notify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"strconv"
)

// Settings say how mail leaves the installation. Without a URL none does, and
// nobody is offered any.
type Settings struct {
	SMTPURL  string `name:"smtp-url" env:"HALSOCOACH_SMTP_URL" placeholder:"smtp://user:password@host:587" help:"The mail server: smtp:// with STARTTLS, smtps:// with TLS from the start. Empty = no mail is sent. ?tls=never for a server on this machine."`
	SMTPFrom string `name:"smtp-from" env:"HALSOCOACH_SMTP_FROM" placeholder:"ADDRESS" help:"The address that mail comes from."`
	SMTPCA   string `name:"smtp-ca" env:"HALSOCOACH_SMTP_CA" placeholder:"FILE" help:"Certificates (PEM) that the mail server's may be signed with, in place of the system's."`
}

// On says whether mail can be sent.
func (s Settings) On() bool { return s.SMTPURL != "" }

// Check refuses what can not work, in one line that says how to mend it. A
// password is not repeated.
func (s Settings) Check() error {
	if !s.On() {
		if s.SMTPFrom != "" {
			return errors.New("HALSOCOACH_SMTP_URL is missing: HALSOCOACH_SMTP_FROM is of no use without it")
		}
		return nil
	}
	if _, err := s.server(); err != nil {
		return fmt.Errorf("HALSOCOACH_SMTP_URL: %w", err)
	}
	if a, err := mail.ParseAddress(s.SMTPFrom); err != nil || a.Address == "" {
		return fmt.Errorf("HALSOCOACH_SMTP_FROM is %q: give the address that mail comes from, as svara-inte@example.se", s.SMTPFrom)
	}
	return nil
}

// server is what a URL of a mail server says.
type server struct {
	host           string
	port           int
	user, password string
	tls            bool // from the start
	plain          bool // never TLS
	roots          *x509.CertPool
}

func (s Settings) server() (server, error) {
	u, err := url.Parse(s.SMTPURL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return server{}, errors.New("give smtp://user:password@host:587 or smtps://user:password@host:465")
	}
	at := server{host: u.Hostname(), port: 587, tls: u.Scheme == "smtps"}
	if at.tls {
		at.port = 465
	}
	if u.Port() != "" {
		if at.port, err = strconv.Atoi(u.Port()); err != nil || at.port < 1 || at.port > 65535 {
			return server{}, errors.New("the port is not one")
		}
	}
	at.user = u.User.Username()
	at.password, _ = u.User.Password()
	switch u.Query().Get("tls") {
	case "":
	case "never":
		if at.tls || !loopback(at.host) {
			return server{}, errors.New("tls=never is only for smtp:// to a server on this machine")
		}
		at.plain = true
	default:
		return server{}, errors.New("tls can only be never; leave it out for STARTTLS")
	}
	if s.SMTPCA != "" {
		pem, err := os.ReadFile(s.SMTPCA)
		at.roots = x509.NewCertPool()
		if err != nil || !at.roots.AppendCertsFromPEM(pem) {
			return server{}, errors.New("HALSOCOACH_SMTP_CA can not be read as certificates")
		}
	}
	return at, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
