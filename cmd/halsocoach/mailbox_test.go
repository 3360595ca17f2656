package main

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"halsocoach/internal/testenv"
)

// mailbox is a mail server that takes everything.
type mailbox struct {
	addr string
	mu   sync.Mutex
	got  int
}

func openMailbox(t *testing.T) *mailbox {
	t.Helper()
	m := &mailbox{}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return m, nil }))
	server.Domain = "localhost"
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Must(t, err)
	m.addr = ln.Addr().String()
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	return m
}

func (m *mailbox) n() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got
}

func (m *mailbox) Mail(string, *smtp.MailOptions) error { return nil }
func (m *mailbox) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (m *mailbox) Reset()                               {}
func (m *mailbox) Logout() error                        { return nil }

func (m *mailbox) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got++
	return err
}
