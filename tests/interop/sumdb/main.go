// What Go's checksum-database library says of a log ("read"), or a log that it makes ("log"), with a
// story on standard input.
//
// golang.org/x/mod/sumdb/tlog is where tiled logs come from. Its tiles are named for their height
// too (tile/8/0/000), ours are not (c2sp tlog-tiles); otherwise it reads them as they are.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type receipt struct {
	Proof string `json:"proof"`
	Entry []byte `json:"entry"` // base64
}

type story struct {
	URL         string    `json:"url"`
	Vkey        string    `json:"vkey"`
	Checkpoints []string  `json:"checkpoints"`
	Receipts    []receipt `json:"receipts"`
}

type report struct {
	Checkpoints int `json:"checkpoints"`
	Entries     int `json:"entries"`
	Bundles     int `json:"bundles"`
	Receipts    int `json:"receipts"`
}

func main() {
	log.SetFlags(0)
	found, err := run(os.Args[1], json.NewDecoder(os.Stdin))
	if err != nil {
		log.Fatal("refused: ", err)
	}
	json.NewEncoder(os.Stdout).Encode(found)
}

func run(what string, in *json.Decoder) (any, error) {
	if what == "log" {
		var told logStory
		if err := in.Decode(&told); err != nil {
			return nil, err
		}
		return grow(told)
	}
	var told story
	if err := in.Decode(&told); err != nil {
		return nil, err
	}
	return check(told)
}

// check proves every entry in, and every smaller size, checkpoint and receipt under, the newest
// checkpoint, with proofs derived from tiles that have been authenticated against it.
func check(told story) (found report, err error) {
	verifier, err := note.NewVerifier(told.Vkey)
	if err != nil {
		return found, err
	}
	tiles := &httpTiles{url: told.URL, seen: map[string][]byte{}}
	newest, err := tiles.get("checkpoint")
	if err != nil {
		return found, err
	}
	head, err := open(newest, verifier)
	if err != nil {
		return found, err
	}
	hashes := tlog.TileHashReader(head, tiles)
	earlier := []tlog.Tree{head}
	for _, text := range told.Checkpoints {
		tree, err := open([]byte(text), verifier)
		if err != nil {
			return found, err
		}
		earlier = append(earlier, tree)
	}
	if err := checkEntries(head, tiles, hashes, &found); err != nil {
		return found, err
	}
	if err := checkTrees(head, earlier, hashes); err != nil {
		return found, err
	}
	for _, given := range told.Receipts {
		if err := checkReceipt(given, verifier, hashes); err != nil {
			return found, err
		}
	}
	found.Checkpoints, found.Receipts = len(earlier), len(told.Receipts)
	return found, nil
}

func open(text []byte, verifier note.Verifier) (tree tlog.Tree, err error) {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tree, errors.New("not a checkpoint of this log")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

func checkEntries(head tlog.Tree, tiles *httpTiles, hashes tlog.HashReader, found *report) error {
	for start := int64(0); start < head.N; start += 1 << height {
		width := min(head.N-start, 1<<height)
		entries, err := tiles.entries(start>>height, width)
		if err != nil {
			return err
		}
		for place, entry := range entries {
			index := start + int64(place)
			proof, err := tlog.ProveRecord(head.N, index, hashes)
			if err != nil {
				return err
			}
			leaf := tlog.RecordHash(entry)
			if err := tlog.CheckRecord(proof, head.N, head.Hash, index, leaf); err != nil {
				return err
			}
		}
		found.Bundles++
		found.Entries += len(entries)
	}
	return nil
}

// checkTrees takes the trees of the checkpoints, and besides them the one of each smaller size.
func checkTrees(head tlog.Tree, trees []tlog.Tree, hashes tlog.HashReader) error {
	for size := int64(1); size < head.N; size++ {
		hash, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return err
		}
		trees = append(trees, tlog.Tree{N: size, Hash: hash})
	}
	for _, tree := range trees {
		if tree.N == 0 { // the library has no proof from the empty tree
			continue
		}
		proof, err := tlog.ProveTree(head.N, tree.N, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, head.N, head.Hash, tree.N, tree.Hash); err != nil {
			return err
		}
	}
	return nil
}

// checkReceipt re-derives the proof in a receipt, which must be the same to the byte.
func checkReceipt(given receipt, verifier note.Verifier, hashes tlog.HashReader) error {
	proof, checkpoint, _ := strings.Cut(given.Proof, "\n\n")
	lines := strings.Split(proof, "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	tree, err := open([]byte(checkpoint), verifier)
	if err != nil {
		return err
	}
	derived, err := tlog.ProveRecord(tree.N, index, hashes)
	if err != nil {
		return err
	}
	if fmt.Sprint(lines[2:]) != fmt.Sprint(derived) {
		return errors.New("the receipt has another proof")
	}
	return tlog.CheckRecord(derived, tree.N, tree.Hash, index, tlog.RecordHash(given.Entry))
}

// httpTiles reads tiles as they are served, each once.
type httpTiles struct {
	url  string
	seen map[string][]byte
}

func (r *httpTiles) Height() int { return height }

func (r *httpTiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (r *httpTiles) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		content, err := r.tile(tile)
		if err != nil {
			return nil, err
		}
		data = append(data, content)
	}
	return data, nil
}

func (r *httpTiles) tile(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
	if content, ok := r.seen[path]; ok {
		return content, nil
	}
	content, err := r.get(path)
	r.seen[path] = content
	return content, err
}

func (r *httpTiles) entries(index, width int64) (entries [][]byte, err error) {
	data, err := r.tile(tlog.Tile{H: height, L: -1, N: index, W: int(width)})
	if err != nil {
		return nil, err
	}
	for rest := bytes.NewBuffer(data); rest.Len() > 0; {
		var length uint16
		if err := binary.Read(rest, binary.BigEndian, &length); err != nil {
			return nil, err
		}
		entry := rest.Next(int(length))
		if len(entry) != int(length) {
			return nil, errors.New("a bundle that ends within an entry")
		}
		entries = append(entries, entry)
	}
	if int64(len(entries)) != width {
		return nil, errors.New("a bundle of another width")
	}
	return entries, nil
}

func (r *httpTiles) get(path string) ([]byte, error) {
	answer, err := http.Get(r.url + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}
