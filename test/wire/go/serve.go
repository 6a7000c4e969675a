package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/coder/websocket"
	"github.com/hashicorp/yamux"
	"storj.io/drpc"
	"storj.io/drpc/drpcerr"
	"storj.io/drpc/drpcmetadata"
	"storj.io/drpc/drpcserver"
)

// service answers the calls of the test.
type service struct {
	canceled atomic.Int64
}

func (s *service) HandleRPC(stream drpc.Stream, path string) error {
	switch path {
	case "/test.Wire/Count":
		return s.count(stream)
	case "/test.Wire/Chat":
		return s.chat(stream)
	}
	// The library reads on only when a message was taken: a handler that leaves it would not see its call end.
	var message []byte
	if err := stream.MsgRecv(&message, raw{}); err != nil {
		return err
	}
	answer, err := s.answer(stream.Context(), path, message)
	if err != nil {
		return err
	}
	return stream.MsgSend(&answer, raw{})
}

// answer answers the calls with one message each way.
func (s *service) answer(ctx context.Context, path string, message []byte) ([]byte, error) {
	switch path {
	case "/test.Wire/Echo":
		return message, nil
	case "/test.Wire/Fail":
		return nil, drpcerr.WithCode(errors.New("no luck"), 7)
	case "/test.Wire/Hang":
		<-ctx.Done()
		s.canceled.Add(1)
		return nil, ctx.Err()
	case "/test.Wire/Canceled":
		return []byte(strconv.FormatInt(s.canceled.Load(), 10)), nil
	case "/test.Wire/Metadata":
		metadata, _ := drpcmetadata.Get(ctx)
		return []byte(metadata["a"]), nil
	}
	return nil, fmt.Errorf("unknown rpc: %q", path)
}

// count sends as many messages of a given size as the request says.
func (s *service) count(stream drpc.Stream) error {
	var request []byte
	if err := stream.MsgRecv(&request, raw{}); err != nil {
		return err
	}
	messages, size := binary.BigEndian.Uint32(request), binary.BigEndian.Uint32(request[4:])
	for i := uint32(0); i < messages; i++ {
		message := make([]byte, size)
		binary.BigEndian.PutUint32(message, i)
		if err := stream.MsgSend(&message, raw{}); err != nil {
			return err
		}
	}
	return nil
}

// chat answers every message with itself until the caller has no more.
func (s *service) chat(stream drpc.Stream) error {
	for {
		var message []byte
		err := stream.MsgRecv(&message, raw{})
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.MsgSend(&message, raw{}); err != nil {
			return err
		}
	}
}

func serveWebSocket() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	calls := &service{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		stream := websocket.NetConn(r.Context(), socket, websocket.MessageBinary)
		session, err := yamux.Server(stream, quiet())
		if err != nil {
			return
		}
		serveSession(r.Context(), session, calls)
	})
	go http.Serve(listener, handler)
	fmt.Printf("ws://%s/\n", listener.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func serveSession(ctx context.Context, session *yamux.Session, handler drpc.Handler) {
	server := drpcserver.New(handler)
	for {
		stream, err := session.Accept()
		if err != nil {
			return
		}
		go server.ServeOne(ctx, stream)
	}
}

func serveUnix(path string) error {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	go drpcserver.New(&service{}).Serve(context.Background(), listener)
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func quiet() *yamux.Config {
	config := yamux.DefaultConfig()
	config.LogOutput = io.Discard
	return config
}
