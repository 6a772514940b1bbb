//! Lists and maps are read where they lie.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;

use petrel_udf::{List, Map, Record};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: what holds for this call holds for that one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nested_views_are_iterated_without_allocating() {
    let rows: Vec<BTreeMap<String, Vec<i64>>> = (0..50)
        .map(|i| BTreeMap::from([("odd".into(), vec![i, 1]), ("tags".into(), vec![2; 20])]))
        .collect();
    let record = Record::testing().bin("rows", &rows).build();
    let before = COUNT.get();
    let mut sum = 0;
    for row in record.list("rows").unwrap().items::<Map>() {
        let row = row.unwrap();
        assert!(row.keys::<&str>().all(|key| key.is_ok()));
        for entry in row.items::<&str, List>() {
            let (_, numbers) = entry.unwrap();
            sum += numbers.ints().map(|n| n.unwrap()).sum::<i64>();
        }
        for numbers in row.values::<List>() {
            sum += numbers.unwrap().get::<i64>(1).unwrap().unwrap();
        }
        assert_eq!(row.get::<List>("tags").unwrap().map(|l| l.len()), Some(20));
    }
    assert_eq!(COUNT.get() - before, 0);
    assert_eq!(sum, (0..50).sum::<i64>() + 50 * (1 + 40 + 1 + 2));
}
