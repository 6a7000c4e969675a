package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/hashicorp/yamux"
	"storj.io/drpc"
	"storj.io/drpc/drpcconn"
	"storj.io/drpc/drpcerr"
	"storj.io/drpc/drpcmetadata"
)

// dialer opens a dRPC connection for one call, or for several in a row.
type dialer func() (*drpcconn.Conn, error)

type check struct {
	name string
	run  func(ctx context.Context, dial dialer) error
}

// Repetitions, scaled by OUTPOST_TEST_SCALE.
var calls = 10_000 * scale()

func scale() int {
	if value, err := strconv.Atoi(os.Getenv("OUTPOST_TEST_SCALE")); err == nil && value > 0 {
		return value
	}
	return 1
}

func callWebSocket(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return err
	}
	stream := websocket.NetConn(ctx, socket, websocket.MessageBinary)
	session, err := yamux.Client(stream, quiet())
	if err != nil {
		return err
	}
	defer session.Close()
	dial := func() (*drpcconn.Conn, error) {
		stream, err := session.Open()
		if err != nil {
			return nil, err
		}
		return drpcconn.New(stream), nil
	}
	if err := checkAll(ctx, dial, append(common, check{"many calls at once", checkConcurrent})); err != nil {
		return err
	}
	if _, err := session.Ping(); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	// Every stream must be given back, or a long-lived agent would leak them.
	for deadline := time.Now().Add(20 * time.Second); session.NumStreams() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d streams were never closed by the server", session.NumStreams())
		}
	}
	return nil
}

// abandonWebSocket ends the process while calls wait for their answers.
func abandonWebSocket(url string) error {
	ctx := context.Background()
	socket, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return err
	}
	session, err := yamux.Client(websocket.NetConn(ctx, socket, websocket.MessageBinary), quiet())
	if err != nil {
		return err
	}
	for i := 0; i < 10; i++ {
		stream, err := session.Open()
		if err != nil {
			return err
		}
		call, err := drpcconn.New(stream).NewStream(ctx, "/test.Wire/Chat", raw{})
		if err != nil {
			return err
		}
		message, answer := []byte("here"), []byte(nil)
		if err := call.MsgSend(&message, raw{}); err != nil {
			return err
		}
		if err := call.MsgRecv(&answer, raw{}); err != nil {
			return err
		}
	}
	os.Exit(0)
	return nil
}

func callUnix(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	dial := func() (*drpcconn.Conn, error) {
		stream, err := net.Dial("unix", path)
		if err != nil {
			return nil, err
		}
		return drpcconn.New(stream), nil
	}
	return checkAll(ctx, dial, append(common, check{"calls in a row on one connection", checkSequence}))
}

func checkAll(ctx context.Context, dial dialer, checks []check) error {
	for _, check := range checks {
		if err := check.run(ctx, dial); err != nil {
			return fmt.Errorf("%s: %w", check.name, err)
		}
		fmt.Println("ok", check.name)
	}
	return nil
}

var common = []check{
	{"a call", func(ctx context.Context, dial dialer) error { return echo(ctx, dial, []byte("hello")) }},
	{"an empty message", func(ctx context.Context, dial dialer) error { return echo(ctx, dial, nil) }},
	{"a message in many frames", func(ctx context.Context, dial dialer) error { return echo(ctx, dial, pattern(3<<20)) }},
	{"an error with a code", checkError},
	{"an unknown method", checkUnknown},
	{"metadata", checkMetadata},
	{"a stream of answers", checkCount},
	{"messages both ways", checkChat},
	{"a cancelled call", checkCancel},
	{"many calls", checkMany},
}

func echo(ctx context.Context, dial dialer, message []byte) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return echoOn(ctx, conn, message)
}

func echoOn(ctx context.Context, conn *drpcconn.Conn, message []byte) error {
	answer, err := invoke(ctx, conn, "/test.Wire/Echo", message)
	if err != nil {
		return err
	}
	if !bytes.Equal(answer, message) {
		return fmt.Errorf("sent %d bytes, got %d others", len(message), len(answer))
	}
	return nil
}

func invoke(ctx context.Context, conn *drpcconn.Conn, path string, message []byte) ([]byte, error) {
	var answer []byte
	err := conn.Invoke(ctx, path, raw{}, &message, &answer)
	return answer, err
}

func checkError(ctx context.Context, dial dialer) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = invoke(ctx, conn, "/test.Wire/Fail", nil)
	if err == nil || err.Error() != "no luck" || drpcerr.Code(err) != 7 {
		return fmt.Errorf("got %v with code %d", err, drpcerr.Code(err))
	}
	return nil
}

func checkUnknown(ctx context.Context, dial dialer) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = invoke(ctx, conn, "/test.Wire/Nothing", nil)
	if err == nil || err.Error() != `protocol error: unknown rpc: "/test.Wire/Nothing"` || drpcerr.Code(err) != 0 {
		return fmt.Errorf("got %v with code %d", err, drpcerr.Code(err))
	}
	return nil
}

func checkMetadata(ctx context.Context, dial dialer) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	answer, err := invoke(drpcmetadata.Add(ctx, "a", "value of a"), conn, "/test.Wire/Metadata", nil)
	if err == nil && string(answer) != "value of a" {
		err = fmt.Errorf("got %q", answer)
	}
	return err
}

func checkCount(ctx context.Context, dial dialer) error {
	const messages, size = 64, 1 << 20
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := conn.NewStream(ctx, "/test.Wire/Count", raw{})
	if err != nil {
		return err
	}
	request := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, messages), size)
	if err := stream.MsgSend(&request, raw{}); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for i := uint32(0); i < messages; i++ {
		var message []byte
		if err := stream.MsgRecv(&message, raw{}); err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		if len(message) != size || binary.BigEndian.Uint32(message) != i {
			return fmt.Errorf("message %d has %d bytes", i, len(message))
		}
	}
	var message []byte
	if err := stream.MsgRecv(&message, raw{}); !errors.Is(err, io.EOF) {
		return fmt.Errorf("after the last message: %v", err)
	}
	return nil
}

func checkChat(ctx context.Context, dial dialer) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := conn.NewStream(ctx, "/test.Wire/Chat", raw{})
	if err != nil {
		return err
	}
	for i := 0; i < 50; i++ {
		message, answer := pattern(i*1000), []byte(nil)
		if err := stream.MsgSend(&message, raw{}); err != nil {
			return err
		}
		if err := stream.MsgRecv(&answer, raw{}); err != nil {
			return err
		}
		if !bytes.Equal(answer, message) {
			return fmt.Errorf("message %d came back changed", i)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	var message []byte
	if err := stream.MsgRecv(&message, raw{}); !errors.Is(err, io.EOF) {
		return fmt.Errorf("after the last message: %v", err)
	}
	return nil
}

func checkCancel(ctx context.Context, dial dialer) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	hangCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(hangCtx, "/test.Wire/Hang", raw{})
	if err != nil {
		return err
	}
	message := []byte("wait")
	if err := stream.MsgSend(&message, raw{}); err != nil {
		return err
	}
	cancel()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		other, err := dial()
		if err != nil {
			return err
		}
		answer, err := invoke(ctx, other, "/test.Wire/Canceled", nil)
		other.Close()
		if err != nil {
			return err
		}
		if string(answer) != "0" {
			return nil
		}
	}
	return errors.New("the handler never learnt of it")
}

func checkMany(ctx context.Context, dial dialer) error {
	for i := 0; i < calls; i++ {
		if err := echo(ctx, dial, []byte(strconv.Itoa(i))); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
	}
	return nil
}

func checkSequence(ctx context.Context, dial dialer) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	for i := 0; i < calls; i++ {
		if err := echoOn(ctx, conn, []byte(strconv.Itoa(i))); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
	}
	return nil
}

func checkConcurrent(ctx context.Context, dial dialer) error {
	const streams = 1000
	var group sync.WaitGroup
	var open []drpc.Stream
	failures := make(chan error, streams)
	for i := 0; i < streams; i++ {
		conn, err := dial()
		if err != nil {
			return err
		}
		stream, err := conn.NewStream(ctx, "/test.Wire/Chat", raw{})
		if err != nil {
			return err
		}
		message := []byte(strconv.Itoa(i))
		if err := stream.MsgSend(&message, raw{}); err != nil {
			return err
		}
		open = append(open, stream)
		defer conn.Close()
	}
	for i, stream := range open {
		group.Add(1)
		go func() {
			defer group.Done()
			var answer []byte
			if err := stream.MsgRecv(&answer, raw{}); err != nil || string(answer) != strconv.Itoa(i) {
				failures <- fmt.Errorf("stream %d: got %q, %v", i, answer, err)
			}
			if err := stream.CloseSend(); err != nil {
				failures <- err
			}
		}()
	}
	group.Wait()
	close(failures)
	return <-failures
}

func pattern(size int) []byte {
	message := make([]byte, size)
	for i := range message {
		message[i] = byte(i * 7)
	}
	return message
}
