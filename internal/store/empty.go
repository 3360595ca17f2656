package store

import (
	"context"
	"errors"
)

// Empty says whether a store holds no document of the kinds.
func Empty(ctx context.Context, s Store, kinds []Kind) (bool, error) {
	for _, k := range kinds {
		err := s.Each(ctx, k.Name, func(Document) error { return errFound })
		if errors.Is(err, errFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

var errFound = errors.New("there is a document")
