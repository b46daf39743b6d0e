// An OPC UA server (gopcua) with the nodes and settings of the first line of stdin, as JSON:
//
//	{"port": N, "ports": [M…], "namespace": URI, "nodes": [{"id", "type", "value", "path"}]}
//
// It listens on port of 127.0.0.1, and says that it can be reached on ports as well: it names only
// endpoints that it knows. Prints {"port": N}. Each further line is {"write": {id: value}}. It ends
// with stdin.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/server/attrs"
	"github.com/gopcua/opcua/ua"
)

const longestLine = 64 << 20

type told struct {
	Port      int
	Ports     []int
	Namespace string
	Nodes     []node
	Write     map[string]json.RawMessage
}

type node struct {
	ID    string
	Type  string
	Value json.RawMessage
	Path  []string
}

// variable is a node's value, which the server reads while we write it.
type variable struct {
	id    *ua.NodeID
	kind  string
	value atomic.Pointer[ua.DataValue]
}

var types = map[string]uint32{
	"bool": id.Boolean, "int8": id.SByte, "uint8": id.Byte, "int16": id.Int16, "uint16": id.UInt16,
	"int32": id.Int32, "uint32": id.UInt32, "int64": id.Int64, "uint64": id.UInt64,
	"float32": id.Float, "float64": id.Double, "text": id.String,
}

func parse(kind string, raw json.RawMessage) (any, error) {
	text := strings.Trim(string(raw), `"`)
	bits := map[string]int{"8": 8, "16": 16, "32": 32, "64": 64}
	switch {
	case kind == "bool":
		return strconv.ParseBool(text)
	case kind == "text":
		return text, nil
	case kind == "float32":
		value, err := strconv.ParseFloat(text, 32)
		return float32(value), err
	case kind == "float64":
		return strconv.ParseFloat(text, 64)
	case strings.HasPrefix(kind, "uint"):
		value, err := strconv.ParseUint(text, 10, bits[kind[4:]])
		switch kind {
		case "uint8":
			return uint8(value), err
		case "uint16":
			return uint16(value), err
		case "uint32":
			return uint32(value), err
		}
		return value, err
	default:
		value, err := strconv.ParseInt(text, 10, bits[kind[3:]])
		switch kind {
		case "int8":
			return int8(value), err
		case "int16":
			return int16(value), err
		case "int32":
			return int32(value), err
		}
		return value, err
	}
}

func (v *variable) set(raw json.RawMessage) error {
	value, err := parse(v.kind, raw)
	if err != nil {
		return err
	}
	now := time.Now()
	v.value.Store(&ua.DataValue{
		EncodingMask: ua.DataValueValue | ua.DataValueStatusCode |
			ua.DataValueSourceTimestamp | ua.DataValueServerTimestamp,
		Value:           ua.MustVariant(value),
		Status:          ua.StatusOK,
		SourceTimestamp: now,
		ServerTimestamp: now,
	})
	return nil
}

func lastPart(text string) string {
	return text[strings.LastIndexAny(text, ".=")+1:]
}

// newFolder is what the library's own NewFolderNode panics at (v0.8.0).
func newFolder(nodeID *ua.NodeID, name string) *server.Node {
	return server.NewNode(
		nodeID,
		map[ua.AttributeID]*ua.DataValue{
			ua.AttributeIDNodeClass:   server.DataValueFromValue(uint32(ua.NodeClassObject)),
			ua.AttributeIDBrowseName:  server.DataValueFromValue(attrs.BrowseName(name)),
			ua.AttributeIDDisplayName: server.DataValueFromValue(attrs.DisplayName(name, name)),
			ua.AttributeIDDataType: server.DataValueFromValue(
				ua.NewNumericExpandedNodeID(0, id.FolderType)),
		},
		nil,
		nil,
	)
}

func addNodes(s *server.Server, setup told) (map[string]*variable, error) {
	server.NewNodeNameSpace(s, "urn:pumpjack:peer:first") // so that the next one has index 2
	space := server.NewNodeNameSpace(s, setup.Namespace)
	root, err := s.Namespace(0)
	if err != nil {
		return nil, err
	}
	folders := map[string]*server.Node{"": root.Objects()}
	variables := make(map[string]*variable, len(setup.Nodes))
	for _, one := range setup.Nodes {
		parent, key := folders[""], ""
		for _, name := range one.Path {
			key += "/" + name
			folder, known := folders[key]
			if !known {
				folder = space.AddNode(newFolder(ua.NewStringNodeID(space.ID(), key), name))
				parent.AddRef(folder, id.Organizes, true)
				folders[key] = folder
			}
			parent = folder
		}
		nodeID, err := ua.ParseNodeID(one.ID)
		if err != nil {
			return nil, err
		}
		v := &variable{id: nodeID, kind: one.Type}
		if err := v.set(one.Value); err != nil {
			return nil, err
		}
		name := lastPart(one.ID)
		added := space.AddNode(server.NewNode(
			nodeID,
			map[ua.AttributeID]*ua.DataValue{
				ua.AttributeIDNodeClass:   server.DataValueFromValue(uint32(ua.NodeClassVariable)),
				ua.AttributeIDBrowseName:  server.DataValueFromValue(attrs.BrowseName(name)),
				ua.AttributeIDDisplayName: server.DataValueFromValue(attrs.DisplayName(name, name)),
				ua.AttributeIDDataType: server.DataValueFromValue(
					ua.NewNumericExpandedNodeID(0, types[one.Type])),
				ua.AttributeIDValueRank: server.DataValueFromValue(int32(-1)),
			},
			nil,
			func() *ua.DataValue { return v.value.Load() },
		))
		parent.AddRef(added, id.HasComponent, true)
		variables[one.ID] = v
	}
	return variables, nil
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), longestLine)
	var setup told
	if !lines.Scan() {
		return fmt.Errorf("nothing on stdin")
	}
	if err := json.Unmarshal(lines.Bytes(), &setup); err != nil {
		return err
	}
	options := []server.Option{
		server.EnableSecurity("None", ua.MessageSecurityModeNone),
		server.EnableAuthMode(ua.UserTokenTypeAnonymous),
	}
	for _, port := range append([]int{setup.Port}, setup.Ports...) {
		options = append(options, server.EndPoint("127.0.0.1", port))
	}
	s := server.New(options...)
	variables, err := addNodes(s, setup)
	if err != nil {
		return err
	}
	if err := s.Start(context.Background()); err != nil {
		return err
	}
	defer s.Close()
	fmt.Printf("{\"port\": %d}\n", setup.Port)
	for lines.Scan() {
		var change told
		if err := json.Unmarshal(lines.Bytes(), &change); err != nil {
			return err
		}
		for name, raw := range change.Write {
			if err := variables[name].set(raw); err != nil {
				return err
			}
			s.ChangeNotification(variables[name].id)
		}
	}
	return lines.Err()
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
