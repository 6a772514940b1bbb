;; A component whose one function, `empty`, gives nil for every record and does nothing else: what a call
;; of it takes is what any call takes. `empty.wasm` beside it is this text, assembled.
(component
  (import "petrel:udf/host@0.2.0" (instance $host
    (export "outcomes" (func (param "outcomes" (list u8))))))

  ;; The memory, apart from the code, because what the code imports needs it.
  (core module $memory
    (memory (export "memory") 1)
    (global $wanted (mut i32) (i32.const 0))
    ;; Makes the memory reach to an address.
    (func (export "reach") (param $end i32)
      (global.set $wanted
        (i32.sub
          (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16))
          (memory.size)))
      (if (i32.gt_s (global.get $wanted) (i32.const 0))
        (then (if (i32.eq (memory.grow (global.get $wanted)) (i32.const -1))
          (then unreachable))))))
  (core instance $m (instantiate $memory))
  (alias core export $m "memory" (core memory $mem))
  (core func $outcomes (canon lower (func $host "outcomes") (memory $mem)))

  (core module $code
    (import "m" "memory" (memory 1))
    (import "m" "reach" (func $reach (param i32)))
    (import "host" "outcomes" (func $outcomes (param i32 i32)))
    ;; What `describe` returns: a list of one record: the name, no number of arguments, and all bins.
    (data (i32.const 16) "\20\00\00\00\01\00\00\00")
    (data (i32.const 32) "\80\00\00\00\05\00\00\00")
    (data (i32.const 128) "empty")
    ;; There is one allocation a call, the input: it always lies at 4096.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (call $reach (i32.add (i32.const 4096) (local.get 3)))
      (i32.const 4096))
    (func (export "describe") (result i32) i32.const 16)
    (func (export "run") (param $function i32) (param $input i32) (param $length i32)
      (local $count i32) (local $out i32) (local $size i32)
      ;; Behind the arguments, to a multiple of 16: the head of the records, its count at 4.
      (local.set $count
        (i32.load offset=4
          (i32.add (local.get $input)
            (i32.and
              (i32.add (i32.load (local.get $input)) (i32.const 19))
              (i32.const -16)))))
      (local.set $out
        (i32.and
          (i32.add (i32.add (local.get $input) (local.get $length)) (i32.const 15))
          (i32.const -16)))
      ;; A head of 8 bytes, and 12 zeros for each: success, nil, no effects.
      (local.set $size
        (i32.add (i32.const 8) (i32.mul (local.get $count) (i32.const 12))))
      (call $reach (i32.add (local.get $out) (local.get $size)))
      (memory.fill (local.get $out) (i32.const 0) (local.get $size))
      (i32.store8 (local.get $out) (i32.const 1))
      (i32.store offset=4 (local.get $out) (local.get $count))
      (call $outcomes (local.get $out) (local.get $size))))
  (core instance $host-core (export "outcomes" (func $outcomes)))
  (core instance $c (instantiate $code
    (with "m" (instance $m))
    (with "host" (instance $host-core))))
  (alias core export $c "realloc" (core func $realloc))

  (type $info (record
    (field "name" string)
    (field "arguments" (option u32))
    (field "bins" (option (list string)))))
  (func $describe (result (list $info))
    (canon lift (core func $c "describe") (memory $mem) (realloc $realloc)))
  (func $run (param "function" u32) (param "input" (list u8))
    (canon lift (core func $c "run") (memory $mem) (realloc $realloc)))
  (component $functions
    (type $own (record
      (field "name" string)
      (field "arguments" (option u32))
      (field "bins" (option (list string)))))
    (import "info" (type $info (eq $own)))
    (import "describe" (func $describe (result (list $info))))
    (import "run" (func $run (param "function" u32) (param "input" (list u8))))
    (export $named "function-info" (type $info))
    (export "describe" (func $describe) (func (result (list $named))))
    (export "run" (func $run)))
  (instance $exported (instantiate $functions
    (with "info" (type $info))
    (with "describe" (func $describe))
    (with "run" (func $run))))
  (export "petrel:udf/functions@0.2.0" (instance $exported)))
