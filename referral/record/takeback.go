package record

import (
	"time"

	"halsocoach"
)

// ErrNoInsight says that the person no longer lets the sender follow how it goes.
var ErrNoInsight = halsocoach.Conflict("no_insight", "Personen har tagit tillbaka sitt ja till att du följer hur det går. Ring Hälsocentret om något är fel.")

// MayTakeBack says whether the sender may do how with their sending; again is
// whether it is done. What the person no longer lets them see they may not learn
// from the answer either.
func (r Referral) MayTakeBack(x Sending, how Act, who halsocoach.Actor) (again bool, err error) {
	switch {
	case x.Gone != nil && x.Gone.How == how:
		return true, nil
	case x.Gone != nil && x.Gone.How == Err:
		return false, ErrErred
	case x.Gone != nil:
		return false, ErrWithdrawn
	case x.Consent.Back != nil && x.Sender == who.ID:
		return false, ErrNoInsight
	}
	_, err = r.State.After(how, who.Role)
	return false, err
}

// TakeBack lets a sending hold no longer, with the event that tells it.
func (r *Referral) TakeBack(i int, how Act, who halsocoach.Actor, now time.Time) ([]halsocoach.Event, error) {
	if again, err := r.MayTakeBack(r.Sendings[i], how, who); again || err != nil {
		return nil, err
	}
	moved, err := r.callBack(i, how, who, now)
	if err != nil {
		return nil, err
	}
	typ := EventChanged
	if moved {
		typ = map[Act]string{Withdraw: EventWithdrawn, Err: EventErred}[how]
	}
	return []halsocoach.Event{happened(typ, *r, now)}, nil
}

// callBack lets one sending hold no longer. When none is left that holds, the
// recommendation itself moves.
func (r *Referral) callBack(i int, how Act, who halsocoach.Actor, now time.Time) (moved bool, err error) {
	r.Sendings[i].Gone = &Gone{How: how, By: who.ID, At: now.UTC()}
	for _, x := range r.Sendings {
		if x.Gone == nil {
			return false, nil
		}
	}
	if how == Err {
		r.Unenrolled = nil // whoever has not been taken in yet is not to be
	}
	return true, r.move(how, who.Role)
}

// ConsentBack is the sender's word that the person has taken the consent back:
// while nobody has decided the sending is called back, afterwards the sender sees
// no more of how it goes.
func (r *Referral) ConsentBack(i int, who halsocoach.Actor, now time.Time) ([]halsocoach.Event, error) {
	x := &r.Sendings[i]
	if x.Consent.Back != nil || x.Gone != nil {
		return nil, nil
	}
	seen, events := r.SeenBy(*x), []halsocoach.Event{Changed(*r, now)}
	if r.State.Open() {
		var err error
		if events, err = r.TakeBack(i, Withdraw, who, now); err != nil {
			return nil, err
		}
	} else {
		x.Last = &seen
	}
	x.Consent.Back, x.Consent.BackBy = &now, who.ID
	return events, nil
}

// calledOff says whether the sender has said that the person no longer wants it.
// What the person says themselves is about what the sender may see.
func (x Sending) calledOff() bool {
	return x.Consent.Back != nil && x.Consent.BackBy == x.Sender && x.Source != halsocoach.FromSelf
}
