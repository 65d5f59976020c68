package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type logStory struct {
	URL       string   `json:"url"`
	Origin    string   `json:"origin"`
	Seed      string   `json:"seed"` // hex
	Sizes     []int64  `json:"sizes"`
	Witnesses []string `json:"witnesses"`
}

type logReport struct {
	Cosigned []string `json:"cosigned"`
	Statuses []int    `json:"statuses"`
}

// grow makes a log under the eyes of a witness, and then a fork of it: at the same size, and at a
// larger one.
func grow(told logStory) (found logReport, err error) {
	signer, err := newSigner(told)
	if err != nil {
		return found, err
	}
	witness, err := newCosigner(told.Witnesses)
	if err != nil {
		return found, err
	}
	honest := &memoryLog{signer: signer, forkAt: -1}
	old := int64(0)
	for _, size := range told.Sizes {
		checkpoint, request, err := honest.request(old, size)
		if err != nil {
			return found, err
		}
		status, answer, err := ask(told.URL, request)
		if err != nil || status != http.StatusOK {
			return found, fmt.Errorf("status %d: %v", status, err)
		}
		whole := append(checkpoint, answer...)
		if _, err := note.Open(whole, note.VerifierList(witness)); err != nil {
			return found, err
		}
		found.Cosigned = append(found.Cosigned, string(whole))
		old = size
	}
	fork := &memoryLog{signer: signer, forkAt: told.Sizes[0]}
	for _, size := range []int64{old, old + 9} {
		_, request, err := fork.request(old, size)
		if err != nil {
			return found, err
		}
		status, _, err := ask(told.URL, request)
		if err != nil {
			return found, err
		}
		found.Statuses = append(found.Statuses, status)
	}
	return found, nil
}

func newSigner(told logStory) (note.Signer, error) {
	seed, err := hex.DecodeString(told.Seed)
	if err != nil {
		return nil, err
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(told.Origin, public)
	if err != nil {
		return nil, err
	}
	id := strings.Split(vkey, "+")[1]
	typed := base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))
	return note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", told.Origin, id, typed))
}

func ask(url string, request []byte) (status int, answer []byte, err error) {
	got, err := http.Post(url+"/add-checkpoint", "text/plain", bytes.NewReader(request))
	if err != nil {
		return 0, nil, err
	}
	defer got.Body.Close()
	answer, err = io.ReadAll(got.Body)
	return got.StatusCode, answer, err
}

// memoryLog has entries by number; from forkAt on, unless that is -1, they are others.
type memoryLog struct {
	signer note.Signer
	forkAt int64
	size   int64
	hashes []tlog.Hash
}

func (l *memoryLog) ReadHashes(indexes []int64) (hashes []tlog.Hash, err error) {
	for _, index := range indexes {
		hashes = append(hashes, l.hashes[index])
	}
	return hashes, nil
}

// request is the log's checkpoint at size, to which it grows, and a request to cosign it.
func (l *memoryLog) request(old, size int64) (checkpoint, request []byte, err error) {
	for ; l.size < size; l.size++ {
		entry := fmt.Sprint(l.size)
		if l.forkAt >= 0 && l.size >= l.forkAt {
			entry += " forked"
		}
		stored, err := tlog.StoredHashes(l.size, []byte(entry), l)
		if err != nil {
			return nil, nil, err
		}
		l.hashes = append(l.hashes, stored...)
	}
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		return nil, nil, err
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", l.signer.Name(), size, root)
	checkpoint, err = note.Sign(&note.Note{Text: text}, l.signer)
	if err != nil {
		return nil, nil, err
	}
	request = []byte(fmt.Sprintf("old %d\n", old))
	if old > 0 { // the library has no proof from the empty tree
		proof, err := tlog.ProveTree(size, old, l)
		if err != nil {
			return nil, nil, err
		}
		for _, hash := range proof {
			request = append(request, hash.String()+"\n"...)
		}
	}
	request = append(append(request, '\n'), checkpoint...)
	return checkpoint, request, nil
}

// cosigner verifies cosignatures of type 04 (c2sp tlog-cosignature), which the library leaves to us.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(vkeys []string) (*cosigner, error) {
	for _, vkey := range vkeys {
		parts := strings.SplitN(vkey, "+", 3)
		id, err := hex.DecodeString(parts[1])
		if err != nil {
			return nil, err
		}
		typed, err := base64.StdEncoding.DecodeString(parts[2])
		if err != nil {
			return nil, err
		}
		if typed[0] == 4 {
			return &cosigner{parts[0], binary.BigEndian.Uint32(id), typed[1:]}, nil
		}
	}
	return nil, errors.New("no witness with an Ed25519 key")
}

func (c *cosigner) Name() string { return c.name }

func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	message := append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", time)), text...)
	return ed25519.Verify(c.key, message, signature[8:])
}
