package engine

import "github.com/quotadb/quota-db/crdt"

// Verify is Load without a DB: it says whether Load would take these records, and how many keys' they are. Of the fields it needs Writers only.
// Errors: those of Load.
func (l *Loader) Verify(records []byte) (n int, err error) {
	for ; len(records) > 0; n++ {
		if records, err = l.verifyOne(records); err == nil {
			err = l.renumber()
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Filter appends to dst the records of those keys whose writers are all known, with the numbers that Writers has for them, which grow as
// the old ones do, and says how many keys they are. Errors: those of Load.
func (l *Loader) Filter(dst, records []byte) (_ []byte, n int, err error) {
	for len(records) > 0 {
		if records, err = l.verifyOne(records); err != nil {
			return dst, n, err
		}
		if l.renumber() != nil {
			continue
		}
		if l.quoted {
			dst = appendTokens(dst, &l.tokens, l.reserve)
		}
		dst = crdt.AppendRecord(dst, l.name, &l.entry)
		n++
	}
	return dst, n, nil
}

// verifyOne decodes the first key's records and says what cannot be.
func (l *Loader) verifyOne(records []byte) (rest []byte, err error) {
	if rest, err = l.decode(records); err == nil && l.quoted {
		err = l.checkTokens()
	}
	return rest, err
}
