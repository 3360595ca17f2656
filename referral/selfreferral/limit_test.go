package selfreferral_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"halsocoach"
	"halsocoach/internal/auth/limit"
	"halsocoach/referral/selfreferral"
)

func TestWhoAsksSideBySideIsCountedToo(t *testing.T) {
	g := open(t)
	svc := selfreferral.New(selfreferral.Config{Records: g.records})
	ask := func(i int, phone string) error {
		// one network, many addresses
		return svc.CallMe(g.Ctx(), fmt.Sprintf("2001:db8::%x", i+1), halsocoach.Request{Key: fmt.Sprint(i)}, "Åke", phone, "0684", "")
	}
	for i := range 2 * limit.AtMost { // what can not be sent is not counted
		if err := ask(i, "1"); errors.Is(err, selfreferral.ErrTooOften) || err == nil {
			t.Fatal(err)
		}
	}
	var sent, refused atomic.Int32
	var all sync.WaitGroup
	for i := range limit.AtMost + 8 {
		all.Go(func() {
			switch err := ask(i, fmt.Sprintf("070-174 06 %02d", i)); {
			case err == nil:
				sent.Add(1)
			case errors.Is(err, selfreferral.ErrTooOften):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if sent.Load() != limit.AtMost || refused.Load() != 8 || len(g.inbox()) != limit.AtMost {
		t.Fatalf("%d sent, %d refused, %d in the inbox", sent.Load(), refused.Load(), len(g.inbox()))
	}
}
