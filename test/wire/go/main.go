// Command wire speaks the RPC connection with the libraries that the reference uses, so that our implementation is tested against
// another one. It serves calls, or makes them and checks the answers:
//
//	wire serve-ws            WebSocket, yamux, dRPC; prints the address, ends when standard input does
//	wire serve-unix <path>   dRPC on a Unix socket; ends when standard input does
//	wire call-ws <url>       checks a server of ours
//	wire call-unix <path>    checks a socket of ours
//	wire call-agent-socket <path>            checks the agent's service on its socket
//	wire abandon-ws <url>                    leaves a server of ours in the middle of calls, without a word
//	wire run-agent <url> <token>             lives at a control plane of ours; says its last words when standard input ends
//	wire send-boundary-logs <path> <count>   sends audit entries as the network jail does
package main

import (
	"fmt"
	"os"

	"storj.io/drpc"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say what to do: serve-ws, serve-unix, call-ws, call-unix, abandon-ws, call-agent-socket, run-agent or send-boundary-logs")
	}
	target, second := "", ""
	if len(args) > 1 {
		target = args[1]
	}
	if len(args) > 2 {
		second = args[2]
	}
	switch args[0] {
	case "serve-ws":
		return serveWebSocket()
	case "serve-unix":
		return serveUnix(target)
	case "call-ws":
		return callWebSocket(target)
	case "call-unix":
		return callUnix(target)
	case "abandon-ws":
		return abandonWebSocket(target)
	case "run-agent":
		return runAgent(target, second)
	case "call-agent-socket":
		return callAgentSocket(target)
	case "send-boundary-logs":
		return sendBoundaryLogs(target, second)
	}
	return fmt.Errorf("unknown word %q", args[0])
}

// raw is an encoding that sends bytes as they are: message contents are not what is tested here.
type raw struct{}

func (raw) Marshal(message drpc.Message) ([]byte, error) { return *message.(*[]byte), nil }

func (raw) Unmarshal(bytes []byte, message drpc.Message) error {
	*message.(*[]byte) = append([]byte(nil), bytes...)
	return nil
}
