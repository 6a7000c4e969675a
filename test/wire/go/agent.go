package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/coder/websocket"
	"github.com/hashicorp/yamux"
	"storj.io/drpc/drpcconn"
)

const agentAPI = "/coder.agent.v2.Agent/"

// The numbers of the lifecycle's states on the wire.
const (
	starting     = 2
	ready        = 5
	shuttingDown = 6
	off          = 9
)

// runAgent lives the life of an agent at a control plane: it connects, takes the manifest, reports, answers pings, and says its last
// words when standard input ends.
func runAgent(url, token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	session, err := connectAgent(ctx, url, token)
	if err != nil {
		return err
	}
	defer session.Close()
	agent := &agentClient{ctx, session}
	if err := agent.begin(); err != nil {
		return err
	}
	if _, err := session.Ping(); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	fmt.Println("reported")
	if _, err := bufio.NewReader(os.Stdin).ReadByte(); err == nil {
		return errors.New("standard input has something to say")
	}
	for _, state := range []uint64{shuttingDown, off} {
		if err := agent.enter(state); err != nil {
			return err
		}
	}
	return nil
}

func connectAgent(ctx context.Context, url, token string) (*yamux.Session, error) {
	header := http.Header{"Coder-Session-Token": {token}}
	address := url + "/api/v2/workspaceagents/me/rpc?version=2.10&role=agent"
	socket, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return nil, err
	}
	return yamux.Client(websocket.NetConn(ctx, socket, websocket.MessageBinary), quiet())
}

type agentClient struct {
	ctx     context.Context
	session *yamux.Session
}

// call makes one call on a stream of its own, as the reference's agent does.
func (a *agentClient) call(method string, request []byte) (message, error) {
	stream, err := a.session.Open()
	if err != nil {
		return nil, err
	}
	conn := drpcconn.New(stream)
	defer conn.Close()
	answer, err := invoke(a.ctx, conn, agentAPI+method, request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	return parse(answer)
}

func (a *agentClient) enter(state uint64) error {
	answer, err := a.call("UpdateLifecycle", nested(1, number(1, state), nested(2, now())))
	if err == nil && answer.number(1) != state {
		err = fmt.Errorf("UpdateLifecycle: state %d came back as %d", state, answer.number(1))
	}
	return err
}

func (a *agentClient) begin() error {
	manifest, err := a.call("GetManifest", nil)
	if err != nil {
		return err
	}
	script, app, item := manifest.nested(10), manifest.nested(11), manifest.nested(12)
	if script == nil || app == nil || item == nil || len(manifest.text(1)) != 16 {
		return errors.New("the manifest lacks a script, an app, a metadata item or the agent's id")
	}
	// The protocol counts the seconds of an item's interval in the place of nanoseconds.
	if interval := item.nested(4); interval.number(1) != 0 || interval.number(2) != 7 {
		return fmt.Errorf("the interval is %v", interval)
	}
	if err := a.enter(starting); err != nil {
		return err
	}
	stats := nested(1, number(2, 3), double(3, -0.001), number(11, 2), nested(12, text(1, "a_total"), number(2, 1), double(3, 4.5)))
	result := nested(2, nested(1, now()), text(3, "0.42"), text(4, "run cmd: exit status 1"))
	timing := nested(1, text(1, script.text(10)), nested(2, now()), nested(3, now()), number(4, 7), number(6, 1))
	for _, step := range []struct {
		method  string
		request []byte
	}{
		{"UpdateStartup", nested(1, text(1, "v2.99.0"), text(2, "/home/go"), text(3, "\x02\x01"))},
		{"BatchCreateLogs", join(text(1, script.text(1)), logLine("one", 3), logLine("two", 5))},
		{"ScriptCompleted", timing},
		{"BatchUpdateMetadata", nested(2, text(1, item.text(2)), result)},
		{"BatchUpdateAppHealths", nested(1, text(1, app.text(1)), number(2, 4))},
	} {
		if _, err := a.call(step.method, step.request); err != nil {
			return err
		}
	}
	for _, request := range [][]byte{nil, stats} {
		answer, err := a.call("UpdateStats", request)
		if err != nil {
			return err
		}
		if interval := answer.nested(1); interval.number(1) != 11 {
			return fmt.Errorf("the interval of statistics is %v", interval)
		}
	}
	return a.enter(ready)
}

func logLine(output string, level uint64) []byte {
	return nested(2, nested(1, now()), text(2, output), number(3, level))
}

// now encodes the time as google.protobuf.Timestamp.
func now() []byte {
	at := time.Now()
	return join(number(1, uint64(at.Unix())), number(2, uint64(at.Nanosecond())))
}

// message is a parsed protobuf message: what came last under each field's number.
type message map[int]any

func (m message) number(field int) uint64 {
	value, _ := m[field].(uint64)
	return value
}

func (m message) text(field int) string {
	value, _ := m[field].(string)
	return value
}

// nested returns a message inside; nil when there is none.
func (m message) nested(field int) message {
	inner, err := parse([]byte(m.text(field)))
	if _, isThere := m[field]; err != nil || !isThere {
		return nil
	}
	return inner
}

func parse(encoded []byte) (message, error) {
	parsed := message{}
	for len(encoded) > 0 {
		tag, size := binary.Uvarint(encoded)
		if size <= 0 {
			return nil, errors.New("a field's number is cut off")
		}
		encoded = encoded[size:]
		value, size := binary.Uvarint(encoded)
		switch {
		case size <= 0:
			return nil, fmt.Errorf("field %d is cut off", tag>>3)
		case tag&7 == 0:
			parsed[int(tag>>3)] = value
			encoded = encoded[size:]
		case tag&7 == 2 && value <= uint64(len(encoded)-size):
			parsed[int(tag>>3)] = string(encoded[size : size+int(value)])
			encoded = encoded[size+int(value):]
		default:
			return nil, fmt.Errorf("field %d has a type that is not expected here", tag>>3)
		}
	}
	return parsed, nil
}
