// Reads From fields with Go's net/mail: go run net_mail.go
// Protocol: see ../mail_readers.py.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/mail"
	"os"
	"runtime"
	"strings"
)

func addresses(list []*mail.Address, err error) any {
	if err != nil {
		return err.Error()
	}
	found := []string{}
	for _, address := range list {
		found = append(found, address.Address)
	}
	return found
}

func one(address *mail.Address, err error) any {
	return addresses([]*mail.Address{address}, err)
}

func decoded(text string) any {
	plain, err := new(mime.WordDecoder).DecodeHeader(text)
	if err != nil {
		return err.Error()
	}
	return addresses(mail.ParseAddressList(plain))
}

func ofBody(text string) map[string]any {
	return map[string]any{
		"ParseAddressList":               addresses(mail.ParseAddressList(text)),
		"ParseAddress":                   one(mail.ParseAddress(text)),
		"DecodeHeader, ParseAddressList": decoded(text),
	}
}

func ofBlock(block []byte) (map[string]any, map[string]any) {
	message, err := mail.ReadMessage(bytes.NewReader(block))
	if err != nil {
		return map[string]any{"ReadMessage": err.Error()}, map[string]any{"ReadMessage": err.Error()}
	}
	fields := message.Header["From"]
	if fields == nil {
		fields = []string{}
	}
	return map[string]any{"ReadMessage": addresses(message.Header.AddressList("From"))},
		map[string]any{"ReadMessage": fields}
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	answers := json.NewEncoder(out)
	answers.Encode(map[string]string{"version": "net/mail of " + strings.Replace(runtime.Version(), "go", "Go ", 1)})
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var given struct{ Body, Block *string }
		if err := json.Unmarshal(in.Bytes(), &given); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if given.Body != nil {
			octets, _ := base64.StdEncoding.DecodeString(*given.Body)
			text := strings.ReplaceAll(string(octets), "\r\n", "")
			answers.Encode(map[string]any{"addresses": ofBody(text)})
			continue
		}
		octets, _ := base64.StdEncoding.DecodeString(*given.Block)
		found, fields := ofBlock(octets)
		answers.Encode(map[string]any{"addresses": found, "fields": fields})
	}
}
