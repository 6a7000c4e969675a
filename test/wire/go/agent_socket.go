package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"storj.io/drpc/drpcconn"
	"storj.io/drpc/drpcerr"
)

const agentSocket = "/coder.agentsocket.v1.AgentSocket/"

// callAgentSocket checks the agent's service on its socket, and reports a task's status.
func callAgentSocket(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	dial := func() (*drpcconn.Conn, error) {
		stream, err := net.Dial("unix", path)
		if err != nil {
			return nil, err
		}
		return drpcconn.New(stream), nil
	}
	return checkAll(ctx, dial, []check{
		{"units wait for each other", checkUnits},
		{"a status report", checkStatus},
		{"context methods without a context manager", checkContext},
		{"many callers at once", checkCallers},
	})
}

// step is one call and what must come of it: an answer, or an error that contains the text.
type step struct {
	method  string
	request []byte
	answer  []byte
	failure string
}

func checkSteps(ctx context.Context, conn *drpcconn.Conn, steps []step) error {
	for i, step := range steps {
		answer, err := invoke(ctx, conn, agentSocket+step.method, step.request)
		switch {
		case step.failure != "":
			if err == nil || !strings.Contains(err.Error(), step.failure) || drpcerr.Code(err) != 0 {
				return fmt.Errorf("step %d, %s: wanted %q, got %v with code %d", i, step.method, step.failure, err, drpcerr.Code(err))
			}
		case err != nil:
			return fmt.Errorf("step %d, %s: %w", i, step.method, err)
		case !bytes.Equal(answer, step.answer):
			return fmt.Errorf("step %d, %s: wanted %x, got %x", i, step.method, step.answer, answer)
		}
	}
	return nil
}

func checkUnits(ctx context.Context, dial dialer) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	web, db := text(1, "web"), text(1, "db")
	ready := number(1, 1)
	open := join(text(1, "web"), text(2, "db"), text(3, "completed"), text(4, "started"))
	return checkSteps(ctx, conn, []step{
		{method: "Ping"},
		{method: "SyncReady", request: web, answer: ready},
		{method: "SyncWant", request: join(text(1, "web"), text(2, "db"))},
		{method: "SyncReady", request: web},
		{method: "SyncStart", request: web, failure: `cannot start unit "web": unit not ready`},
		{method: "SyncStart", request: db},
		{method: "SyncStart", request: db, failure: "same status already set"},
		{method: "SyncStatus", request: web, answer: join(text(1, "pending"), text(3, string(open)))},
		{method: "SyncWant", request: join(text(1, "db"), text(2, "web")), failure: `cycle detected: "db" -> "web" -> "db"`},
		{method: "SyncComplete", request: db},
		{method: "SyncReady", request: web, answer: ready},
		{method: "SyncStart", request: web},
		{method: "SyncComplete", request: text(1, "nothing"), failure: "unit not found"},
		{method: "SyncStart", failure: "unit name is required"},
		{method: "SyncList", answer: join(
			text(1, string(join(text(1, "web"), text(2, "started"), number(3, 1)))),
			text(1, string(join(text(1, "db"), text(2, "completed"), number(3, 1)))),
		)},
	})
}

func checkStatus(ctx context.Context, dial dialer) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	report := join(text(1, "app"), number(2, 1), text(3, "hi"), text(4, "https://example.com/1"))
	if _, err := invoke(ctx, conn, agentSocket+"UpdateAppStatus", report); err != nil {
		return err
	}
	_, err = invoke(ctx, conn, agentSocket+"UpdateAppStatus", join(text(1, "other app"), text(3, "hi")))
	if err == nil || err.Error() != "no such app" || drpcerr.Code(err) != 5 {
		return fmt.Errorf("wanted the control plane's own error, got %v with code %d", err, drpcerr.Code(err))
	}
	return nil
}

func checkContext(ctx context.Context, dial dialer) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	const failure = "context manager not available"
	return checkSteps(ctx, conn, []step{
		{method: "ContextSources", failure: failure},
		{method: "AddContextSource", request: text(1, "/a"), failure: failure},
		{method: "GetContextSnapshot", failure: failure},
	})
}

func checkCallers(ctx context.Context, dial dialer) error {
	const callers = 50
	var group sync.WaitGroup
	failures := make(chan error, callers)
	for i := 0; i < callers; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			conn, err := dial()
			if err != nil {
				failures <- err
				return
			}
			defer conn.Close()
			unit := text(1, "caller"+strconv.Itoa(i))
			err = checkSteps(ctx, conn, []step{
				{method: "SyncStart", request: unit},
				{method: "SyncComplete", request: unit},
				{method: "SyncReady", request: unit, answer: number(1, 1)},
			})
			if err != nil {
				failures <- err
			}
		}()
	}
	group.Wait()
	close(failures)
	return <-failures
}

// text encodes a protobuf field that holds a string, bytes or a message.
func text(field int, value string) []byte {
	encoded := binary.AppendUvarint(nil, uint64(field<<3|2))
	encoded = binary.AppendUvarint(encoded, uint64(len(value)))
	return append(encoded, value...)
}

// number encodes a protobuf field that holds an integer, an enum or a bool.
func number(field int, value uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field<<3)), value)
}

// double encodes a protobuf field that holds a double.
func double(field int, value float64) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(nil, uint64(field<<3|1)), math.Float64bits(value))
}

// nested encodes a protobuf field that holds a message.
func nested(field int, fields ...[]byte) []byte { return text(field, string(join(fields...))) }

func join(fields ...[]byte) []byte { return bytes.Join(fields, nil) }
