/* A libmodbus server with the registers that stdin names: for the holding and input registers,
 * the coils and the discrete inputs each a count and so many numbers. Prints its port. */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 65536

static int read_numbers(uint16_t *into) {
    int count, value;
    if (scanf("%d", &count) != 1 || count < 0 || count > MOST) exit(2);
    for (int i = 0; i < count; i++) {
        if (scanf("%d", &value) != 1) exit(2);
        into[i] = (uint16_t)value;
    }
    return count;
}

static void serve(modbus_t *context, modbus_mapping_t *mapping) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        int length = modbus_receive(context, query);
        if (length == -1) return; /* the client is gone */
        if (length > 0) modbus_reply(context, query, length, mapping);
    }
}

int main(void) {
    static uint16_t words[MOST], coils[MOST], inputs[MOST];
    int word_count = read_numbers(words);
    int coil_count = read_numbers(coils);
    int input_count = read_numbers(inputs);
    modbus_mapping_t *mapping =
        modbus_mapping_new(coil_count, input_count, word_count, word_count);
    if (mapping == NULL) return 3;
    memcpy(mapping->tab_registers, words, (size_t)word_count * sizeof(uint16_t));
    memcpy(mapping->tab_input_registers, words, (size_t)word_count * sizeof(uint16_t));
    for (int i = 0; i < coil_count; i++) mapping->tab_bits[i] = (uint8_t)coils[i];
    for (int i = 0; i < input_count; i++) mapping->tab_input_bits[i] = (uint8_t)inputs[i];

    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    int listener = modbus_tcp_listen(context, 4);
    if (listener == -1) {
        fprintf(stderr, "listen: %s\n", modbus_strerror(errno));
        return 4;
    }
    /* It waits for this long before it answers with an exception. */
    modbus_set_response_timeout(context, 0, 1000);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        if (modbus_tcp_accept(context, &listener) == -1) return 5;
        serve(context, mapping);
        modbus_close(context);
    }
}
