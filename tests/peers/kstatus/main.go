// Says what kstatus, by which Flux waits, makes of objects: a JSON array in, a JSON array out.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type answer struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	var objects []*unstructured.Unstructured
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		log.Fatal(err)
	}
	answers := make([]answer, 0, len(objects))
	for _, object := range objects {
		result, err := status.Compute(object)
		if err != nil {
			log.Fatal(err)
		}
		answers = append(answers, answer{string(result.Status), result.Message})
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}
