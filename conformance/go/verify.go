// Verify checks a published log with the transparency log code of the Go project alone: signed notes by
// golang.org/x/mod/sumdb/note, tiles and proofs by golang.org/x/mod/sumdb/tlog.
//
// Usage: verify [--expect-fail] [--min-older N] DIR
//
// See ../README.md for what it proves.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	// Tiles of the published layout are 256 hashes wide.
	tileHeight = 8
	// Beyond this many entries, full inclusion proofs are made for a sample of this size.
	proofsMax = 5000
)

// A refusal is what the log is found to be wrong in; any other error means that it could not be judged.
type refusal struct{ error }

func refuse(format string, args ...any) error {
	return refusal{fmt.Errorf(format, args...)}
}

func main() {
	expectFail := flag.Bool("expect-fail", false, "succeed only if the log is refused")
	minOlder := flag.Int("min-older", 0, "fail unless there are at least this many older heads")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: verify [--expect-fail] [--min-older N] DIR")
		os.Exit(2)
	}
	counts, err := verify(flag.Arg(0))
	var refused refusal
	switch {
	case err != nil && !errors.As(err, &refused):
		fmt.Fprintf(os.Stderr, "verify: cannot judge: %v\n", err)
		os.Exit(2)
	case *expectFail && err == nil:
		fmt.Fprintf(os.Stderr, "verify: %s passed, though it is to be refused\n", flag.Arg(0))
		os.Exit(1)
	case *expectFail:
		fmt.Printf("refused as it should be: %v\n", err)
	case err != nil:
		fmt.Fprintf(os.Stderr, "verify: refused: %v\n", err)
		os.Exit(1)
	case counts.consistencies < *minOlder:
		fmt.Fprintf(os.Stderr, "verify: only %d older heads, want %d\n", counts.consistencies, *minOlder)
		os.Exit(1)
	default:
		fmt.Printf("%d entries, %d tiles, %d receipts; %d inclusions, %d consistencies verified\n",
			counts.entries, counts.tiles, counts.receipts, counts.inclusions, counts.consistencies)
	}
}

type counts struct{ entries, tiles, inclusions, consistencies, receipts int }

func verify(dir string) (counts, error) {
	var done counts
	log, err := openLog(dir)
	if err != nil {
		return done, err
	}
	head, err := log.head(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return done, err
	}
	if head.N == 0 {
		return done, errors.New("the log is empty")
	}
	leaves, err := entries(dir, head.N)
	if err != nil {
		return done, err
	}
	done.entries = len(leaves)
	if done.tiles, err = checkTiles(dir, head, leaves); err != nil {
		return done, err
	}
	reader := tlog.TileHashReader(head, &tiles{dir: dir, seen: map[string][]byte{}})
	if done.inclusions, err = checkInclusions(head, reader, leaves); err != nil {
		return done, err
	}
	if done.consistencies, err = log.checkOlderHeads(head, reader); err != nil {
		return done, err
	}
	done.receipts, err = log.checkReceipts(leaves)
	return done, err
}

// A verifiedLog is a log whose heads are believed if they carry its signature.
type verifiedLog struct {
	dir    string
	key    note.Verifier
	origin string
}

func openLog(dir string) (*verifiedLog, error) {
	text, err := os.ReadFile(filepath.Join(dir, "vkey"))
	if err != nil {
		return nil, err
	}
	key, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, refuse("vkey: %w", err)
	}
	return &verifiedLog{dir: dir, key: key, origin: key.Name()}, nil
}

func (log *verifiedLog) head(path string) (tlog.Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	return log.parseHead(filepath.Base(path), text)
}

// parseHead opens a checkpoint. ParseTree knows one origin only, that of Go's own log, so ours is compared
// and then exchanged for that one.
func (log *verifiedLog) parseHead(name string, text []byte) (tlog.Tree, error) {
	signed, err := note.Open(text, note.VerifierList(log.key))
	if err != nil {
		return tlog.Tree{}, refuse("%s: %w", name, err)
	}
	origin, rest, _ := strings.Cut(signed.Text, "\n")
	if origin != log.origin {
		return tlog.Tree{}, refuse("%s: is of %q, not of %q", name, origin, log.origin)
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err != nil {
		return tlog.Tree{}, refuse("%s: %w", name, err)
	}
	return tree, nil
}

// tiles reads the published tiles for TileHashReader.
type tiles struct {
	dir  string
	seen map[string][]byte
}

func (t *tiles) Height() int { return tileHeight }

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	for i, tile := range wanted {
		path := tilePath(tile)
		if _, ok := t.seen[path]; !ok {
			hashes, err := os.ReadFile(filepath.Join(t.dir, path))
			if err != nil {
				return nil, err
			}
			if len(hashes) != tile.W*tlog.HashSize {
				return nil, refuse("%s: has %d bytes", path, len(hashes))
			}
			t.seen[path] = hashes
		}
		data[i] = t.seen[path]
	}
	return data, nil
}

// tilePath is where a tile is published. Go writes the height into the path and calls bundles of entries data;
// the published layout has one height, leaves it out, and says entries.
func tilePath(tile tlog.Tile) string {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

// entries reads all entry bundles of a log of that size.
func entries(dir string, size int64) ([][]byte, error) {
	const perBundle = 1 << tileHeight
	var leaves [][]byte
	for n := int64(0); n*perBundle < size; n++ {
		bundle := tlog.Tile{H: tileHeight, L: -1, N: n, W: perBundle}
		if left := size - n*perBundle; left < perBundle {
			bundle.W = int(left)
		}
		path := tilePath(bundle)
		rest, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return nil, err
		}
		for i := 0; i < bundle.W; i++ {
			if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
				return nil, refuse("%s: ends inside entry %d", path, i)
			}
			end := 2 + int(binary.BigEndian.Uint16(rest))
			leaves = append(leaves, rest[2:end])
			rest = rest[end:]
		}
		if len(rest) > 0 {
			return nil, refuse("%s: %d bytes behind the last entry", path, len(rest))
		}
	}
	return leaves, nil
}

// checkTiles makes the whole tree again from the entries, and compares it with the signed head and with every
// published tile. This does not lean on TileHashReader, which in some versions leaves tiles unauthenticated
// when a head is made of several subtrees of one tile; what it returns is only used in proofs, which are checked.
func checkTiles(dir string, head tlog.Tree, leaves [][]byte) (int, error) {
	var made hashes
	for i, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(i), leaf, made)
		if err != nil {
			return 0, err
		}
		made = append(made, more...)
	}
	root, err := tlog.TreeHash(head.N, made)
	if err != nil {
		return 0, err
	}
	if root != head.Hash {
		return 0, refuse("the entries make the root %v, the head says %v", root, head.Hash)
	}
	count := 0
	for _, tile := range tlog.NewTiles(tileHeight, 0, head.N) {
		// The list has every width that the last tile of a level once had; only the present one must be there.
		present := head.N>>(tileHeight*tile.L) - tile.N<<tileHeight
		if tile.W < 1<<tileHeight && int64(tile.W) != present {
			continue
		}
		published, err := os.ReadFile(filepath.Join(dir, tilePath(tile)))
		if err != nil {
			return count, err
		}
		wanted, err := tlog.ReadTileData(tile, made)
		if err != nil {
			return count, err
		}
		if !bytes.Equal(published, wanted) {
			return count, refuse("%s is not what the entries make", tilePath(tile))
		}
		count++
	}
	return count, nil
}

// hashes are all hashes of a tree, in the order in which tlog numbers them.
type hashes []tlog.Hash

func (h hashes) ReadHashes(places []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(places))
	for i, place := range places {
		if place >= int64(len(h)) {
			return nil, fmt.Errorf("there is no hash %d", place)
		}
		found[i] = h[place]
	}
	return found, nil
}

// checkInclusions makes an inclusion proof of every entry from the published tiles (of an even sample in a long
// log) and checks it against the signed head.
func checkInclusions(head tlog.Tree, reader tlog.HashReader, leaves [][]byte) (int, error) {
	step := (len(leaves) + proofsMax - 1) / proofsMax
	proofs := 0
	for i := 0; i < len(leaves); i += step {
		proof, err := tlog.ProveRecord(head.N, int64(i), reader)
		if err != nil {
			return proofs, judged(fmt.Sprintf("proof of entry %d", i), err)
		}
		if err := tlog.CheckRecord(proof, head.N, head.Hash, int64(i), tlog.RecordHash(leaves[i])); err != nil {
			return proofs, refuse("entry %d: %w", i, err)
		}
		proofs++
	}
	return proofs, nil
}

// checkOlderHeads shows that the log only grew since each older head that was kept.
func (log *verifiedLog) checkOlderHeads(head tlog.Tree, reader tlog.HashReader) (int, error) {
	paths, err := filepath.Glob(filepath.Join(log.dir, "checkpoints", "*"))
	if err != nil {
		return 0, err
	}
	for done, path := range paths {
		older, err := log.head(path)
		if err != nil {
			return done, err
		}
		if older.N < 1 || older.N > head.N {
			return done, refuse("%s: its size %d is not in 1..%d", filepath.Base(path), older.N, head.N)
		}
		proof, err := tlog.ProveTree(head.N, older.N, reader)
		if err != nil {
			return done, judged("consistency with "+filepath.Base(path), err)
		}
		if err := tlog.CheckTree(proof, head.N, head.Hash, older.N, older.Hash); err != nil {
			return done, refuse("fork: %s (size %d): %w", filepath.Base(path), older.N, err)
		}
	}
	return len(paths), nil
}

// checkReceipts checks the receipts that are there, in the form of c2sp.org/tlog-proof.
func (log *verifiedLog) checkReceipts(leaves [][]byte) (int, error) {
	paths, err := filepath.Glob(filepath.Join(log.dir, "proofs", "*.tlog-proof"))
	if err != nil {
		return 0, err
	}
	for done, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return done, err
		}
		if err := log.checkReceipt(filepath.Base(path), string(text), leaves); err != nil {
			return done, err
		}
	}
	return len(paths), nil
}

func (log *verifiedLog) checkReceipt(name, text string, leaves [][]byte) error {
	top, checkpoint, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(top, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return refuse("%s: begins with %q", name, lines[0])
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	var index int64
	if len(lines) == 0 {
		return refuse("%s: has no index", name)
	}
	if _, err := fmt.Sscanf(lines[0], "index %d", &index); err != nil || index < 0 || index >= int64(len(leaves)) {
		return refuse("%s: %q is no index of this log", name, lines[0])
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return refuse("%s: %q is no hash", name, line)
		}
		proof = append(proof, *(*tlog.Hash)(hash))
	}
	head, err := log.parseHead(name, []byte(checkpoint))
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, head.N, head.Hash, index, tlog.RecordHash(leaves[index])); err != nil {
		return refuse("%s: entry %d: %w", name, index, err)
	}
	return nil
}

// judged tells a file that cannot be read from tiles that are found wrong.
func judged(what string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return err
	}
	return refuse("%s: %w", what, err)
}
