package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// Entries in one batch of the jail.
const batchEntries = 10

// sendBoundaryLogs sends as many audit entries as it is told, the way the jail does: batches of ten in frames with tag 2, a status frame
// after the first, what is left over at the end. It never reads.
func sendBoundaryLogs(path, count string) error {
	entries, err := strconv.Atoi(count)
	if err != nil {
		return fmt.Errorf("say how many entries to send: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("the socket must be there first: %w", err)
	}
	connection, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	defer connection.Close()
	var batch [][]byte
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		request := join(append(batch, text(2, "0b6a6a29-54d2-4a0e-9c5b-3a4a5a0c1d11"))...)
		batch = nil
		return writeFrame(connection, text(1, string(request)))
	}
	for i := 0; i < entries; i++ {
		batch = append(batch, text(1, string(entry(i))))
		if len(batch) < batchEntries {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		if i+1 == batchEntries {
			if err := writeFrame(connection, text(2, string(join(number(1, 5), number(2, 3))))); err != nil {
				return err
			}
		}
	}
	return flush()
}

// entry is one request of a confined program; every other one was denied.
func entry(sequence int) []byte {
	request := join(text(1, "GET"), text(2, "https://example.com/"+strconv.Itoa(sequence)))
	fields := [][]byte{}
	if sequence%2 == 0 {
		fields = append(fields, number(1, 1))
		request = join(request, text(3, "domain=example.com"))
	}
	fields = append(fields, text(2, string(number(1, uint64(time.Now().Unix())))), text(3, string(request)))
	if sequence > 0 {
		fields = append(fields, number(4, uint64(sequence)))
	}
	return join(fields...)
}

func writeFrame(connection net.Conn, payload []byte) error {
	header := binary.BigEndian.AppendUint32(nil, 2<<24|uint32(len(payload)))
	_, err := connection.Write(append(header, payload...))
	return err
}
