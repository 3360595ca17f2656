package notify

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/testenv"
)

// ok ends the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// post is a real mail server in the test's own process.
type post struct {
	t       testing.TB
	addr    string
	ca      string // file of its certificate
	server  *smtp.Server
	ln      net.Listener
	mu      sync.Mutex
	letters []got
	refuse  func(to string) error // at RCPT
	close   func() error          // after the letter
	stall   time.Duration         // before it answers to the letter
}

// got is a letter that was taken.
type got struct {
	from, to string
	message  *mail.Message
	body     string
	secure   bool
}

const postUser, postPassword = "halsocoach", "lösen ord"

// office opens a mail server; implicit is TLS from the start, else STARTTLS.
func office(t testing.TB, implicit bool) *post {
	t.Helper()
	p := &post{t: t}
	p.ca = filepath.Join(t.TempDir(), "ca.pem")
	cert := certificate(t, p.ca)
	p.open(t, "127.0.0.1:0", cert, implicit)
	return p
}

func (p *post) open(t testing.TB, addr string, cert *tls.Certificate, implicit bool) {
	t.Helper()
	p.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{post: p, conn: c}, nil }))
	p.server.Domain, p.server.AllowInsecureAuth = "localhost", false
	p.server.ErrorLog = discard{}
	ln, err := net.Listen("tcp", addr)
	ok(t, err)
	p.addr, p.ln = ln.Addr().String(), ln
	if cert != nil {
		p.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}}
		if implicit {
			ln = tls.NewListener(ln, p.server.TLSConfig)
		}
	}
	go func() { _ = p.server.Serve(ln) }()
	t.Cleanup(p.shut)
}

// shut closes the server: nobody answers any more.
func (p *post) shut() {
	_ = p.ln.Close()
	_ = p.server.Close()
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

func certificate(t testing.TB, file string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "post"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	ok(t, err)
	ok(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

type session struct {
	post     *post
	conn     *smtp.Conn
	user     bool
	from, to string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != postUser || password != postPassword {
			return smtp.ErrAuthFailed
		}
		s.user = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if _, secure := s.conn.TLSConnectionState(); secure && !s.user {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.post.mu.Lock()
	refuse := s.post.refuse
	s.post.mu.Unlock()
	if refuse != nil {
		if err := refuse(to); err != nil {
			return err
		}
	}
	s.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	_, secure := s.conn.TLSConnectionState()
	s.post.mu.Lock()
	stall, end := s.post.stall, s.post.close
	s.post.letters = append(s.post.letters, got{s.from, s.to, m, string(body), secure})
	s.post.mu.Unlock()
	time.Sleep(stall)
	if end != nil {
		return end()
	}
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// set changes how the server behaves.
func (p *post) set(change func(*post)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *post) taken() []got {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]got(nil), p.letters...)
}

// has fails the test unless so many letters have been taken.
func (p *post) has(n int, when string) {
	p.t.Helper()
	if got := p.taken(); len(got) != n {
		p.t.Fatalf("%d letters, want %d: %s", len(got), n, when)
	}
}

// only fails the test unless the one letter so far went to the address.
func (p *post) only(to string) {
	p.t.Helper()
	if all := p.taken(); len(all) != 1 || all[0].to != to {
		p.t.Fatalf("%+v", all)
	}
}

func (p *post) settings(scheme string) Settings {
	return Settings{SMTPURL: fmt.Sprintf("%s://%s:%s@%s", scheme, postUser, "l%C3%B6sen%20ord", p.addr), SMTPFrom: "Hälsocoach <svara-inte@example.se>", SMTPCA: p.ca}
}

// owners stand for the packages that are asked.
type owners struct {
	mu      sync.Mutex
	senders map[string][]string
	talks   map[string]Booking
	unread  map[string]Unread
	left    map[string]bool
}

func find[T any](o *owners, m map[string]T, id string) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v, ok := m[id]
	if !ok {
		return v, fmt.Errorf("%s: %w", id, halsocoach.ErrNotFound)
	}
	return v, nil
}

func (o *owners) Senders(_ context.Context, id string) ([]string, error) {
	return find(o, o.senders, id)
}
func (o *owners) Booking(_ context.Context, id string) (Booking, error) { return find(o, o.talks, id) }
func (o *owners) WaitsFor(_ context.Context, id string) (Unread, error) { return find(o, o.unread, id) }

// colleagues are the personas, of whom some have left.
type colleagues struct {
	testenv.Staff
	*owners
}

func (c colleagues) Member(ctx context.Context, id string) (halsocoach.StaffMember, error) {
	m, err := c.Staff.Member(ctx, id)
	_, gone := find(c.owners, c.owners.left, id)
	m.Ended = gone == nil
	return m, err
}

// ground is the service on a real store, with what it logs.
type ground struct {
	*testenv.Env
	*owners
	svc *Service
	log *lines
}

type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func open(t *testing.T, s Settings) ground {
	t.Helper()
	g := ground{Env: testenv.New(t, Kinds()), owners: &owners{senders: map[string][]string{}, talks: map[string]Booking{}, unread: map[string]Unread{}, left: map[string]bool{}}, log: &lines{}}
	g.svc = g.node(s)
	return g
}

// mailed is a service with its mail server.
func mailed(t *testing.T) (*post, ground) {
	t.Helper()
	p := office(t, false)
	return p, open(t, p.settings("smtp"))
}

func (g ground) node(s Settings) *Service {
	return New(Config{Settings: s, Store: g.Store, Persons: g.Persons, Seal: g.Seal, Clock: g.Clock.Now, Log: slog.New(slog.NewTextHandler(g.log, nil)), PublicURL: "https://halsocoach.example.se",
		Referrals: g.owners, Talks: g.owners, Conversations: g.owners, Staff: colleagues{g.Staff, g.owners}, Every: 20 * time.Millisecond, Timeout: 2 * time.Second})
}

// chose is somebody's wish for e-mail.
func (g ground) chose(who halsocoach.Actor, address string) {
	g.T.Helper()
	ok(g.T, g.svc.Choose(g.Ctx(), who, ChoiceInput{Channel: "email", Address: address}))
}

// protect says that the person has protected identity.
func (g ground) protect(who halsocoach.Actor) {
	g.T.Helper()
	ok(g.T, g.Env.Persons.Protect(g.Ctx(), g.People.Maria, who.ID, person.ByStaff))
}

// hears lets the service hear an event, and gives back the event.
func (g ground) hears(typ, subject string) halsocoach.Event {
	g.T.Helper()
	e := halsocoach.Happened(typ, g.Clock.Now(), "0684", subject, nil)
	ok(g.T, g.svc.heard(g.Ctx(), e))
	return e
}

func (g ground) sends() {
	g.T.Helper()
	if err := g.svc.SendDue(g.Ctx()); err != nil && !errors.Is(err, context.Canceled) {
		g.T.Fatal(err)
	}
}

// quiet fails when the log holds any of the words.
func (g ground) quiet(words ...string) {
	g.T.Helper()
	for _, w := range words {
		if strings.Contains(g.log.String(), w) {
			g.T.Errorf("the log holds %q:\n%s", w, g.log)
		}
	}
}
